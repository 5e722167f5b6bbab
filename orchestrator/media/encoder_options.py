"""What each encoder calls quality, effort and the rest."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from orchestrator.media.info import VideoInfo

Options = dict[str, str]

Preset = Literal[
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
]
"""x264's names, for every codec."""

PRESETS: tuple[str, ...] = get_args(Preset)
_SVT_PRESETS = dict(zip(PRESETS, (12, 11, 10, 9, 8, 7, 5, 4, 3), strict=True))
_AOM_SPEEDS = dict(zip(PRESETS, (8, 8, 8, 7, 6, 6, 5, 4, 3), strict=True))
_AOM_REALTIME = PRESETS[:5]  # its other mode is three times as slow at the same speed
_NVENC_PRESETS = dict(zip(PRESETS, (1, 1, 2, 3, 4, 5, 6, 7, 7), strict=True))
_HIGHEST_PARALLELISM = 6  # of SVT-AV1
_SVT_FORMATS = ("yuv420p", "yuv420p10le")
# NVENC takes these samples in other places of memory.
_NVENC_FORMATS = {
    "yuv420p": "yuv420p",
    "yuv420p10le": "p010le",
    "yuv422p": "nv16",
    "yuv422p10le": "p210le",
    "yuv444p": "yuv444p",
    "yuv444p10le": "yuv444p10msble",
}


@dataclass(frozen=True)
class Wanted:
    """An encoding with nothing left open.

    Attributes:
        crf: Constant quality of the codec; 0 is lossless.
        preset: One of `PRESETS`.
        threads: Most threads to use; 0 lets the encoder choose.
        info: The pictures.
    """

    crf: int
    preset: str
    threads: int
    info: VideoInfo

    @property
    def lossless(self) -> bool:
        """Whether nothing may be lost."""
        return self.crf == 0


def format_taken(name: str, given: str) -> str | None:
    """The pixel format in which an encoder takes pictures of a working format, if it does."""
    if name.endswith("_nvenc"):
        return _NVENC_FORMATS[given]
    return None if name == "libsvtav1" and given not in _SVT_FORMATS else given


def _x264(wanted: Wanted) -> Options:
    display, light = wanted.info.hdr.display, wanted.info.hdr.light
    parameters = {
        "tff": int(wanted.info.first_field == "top"),
        "bff": int(wanted.info.first_field == "bottom"),
        "mastering-display": display and display.in_units(),
        "cll": light and "{},{}".format(*light),
    }
    quality = {"qp": "0"} if wanted.lossless else {"crf": str(wanted.crf)}
    return {"preset": wanted.preset, "x264-params": _joined(parameters), **quality}


def _x265(wanted: Wanted) -> Options:
    display, light = wanted.info.hdr.display, wanted.info.hdr.light
    parameters = {
        "log-level": "none",
        "pools": wanted.threads,
        "lossless": int(wanted.lossless),
        "master-display": display and display.in_units(),
        "max-cll": light and "{},{}".format(*light),
    }
    return {
        "preset": wanted.preset,
        "crf": str(wanted.crf),
        "x265-params": _joined(parameters),
    }


def _svt(wanted: Wanted) -> Options:
    os.environ.setdefault("SVT_LOG", "0")  # it prints; there is no other way to keep it quiet
    display, light = wanted.info.hdr.display, wanted.info.hdr.light
    parameters = {
        "lp": min(wanted.threads, _HIGHEST_PARALLELISM),
        "lossless": int(wanted.lossless),
        "mastering-display": display and display.in_decimals(),
        "content-light": light and "{},{}".format(*light),
    }
    return {
        "preset": str(_SVT_PRESETS[wanted.preset]),
        "crf": str(wanted.crf),
        "svtav1-params": _joined(parameters),
    }


def _joined(parameters: Mapping[str, object]) -> str:
    """Parameters as encoders read them; those that are not set keep the encoder's default."""
    return ":".join(f"{name}={value}" for name, value in parameters.items() if value)


def _aom(wanted: Wanted) -> Options:
    lossless = {"aom-params": "lossless=1"} if wanted.lossless else {}
    return {
        "usage": "realtime" if wanted.preset in _AOM_REALTIME else "good",
        "cpu-used": str(_AOM_SPEEDS[wanted.preset]),
        "crf": str(wanted.crf),
        "row-mt": "1",
        **lossless,
    }


def _nvenc(wanted: Wanted) -> Options:
    preset = f"p{_NVENC_PRESETS[wanted.preset]}"
    if wanted.lossless:
        return {"preset": preset, "tune": "lossless"}
    return {"preset": preset, "tune": "hq", "rc": "vbr", "cq": str(wanted.crf), "b": "0"}


SOFTWARE = {"h264": ("libx264",), "hevc": ("libx265",), "av1": ("libsvtav1", "libaom-av1")}
ENCODERS: dict[str, dict[str, Callable[[Wanted], Options]]] = {
    "h264": {"libx264": _x264, "h264_nvenc": _nvenc},
    "hevc": {"libx265": _x265, "hevc_nvenc": _nvenc},
    "av1": {"libsvtav1": _svt, "libaom-av1": _aom, "av1_nvenc": _nvenc},
}

"""Depth, subsampling, range and matrix; made losslessly, so that every sample can be compared."""

from fractions import Fraction

from tests.cases.case import Case, Made, bounce, short
from tests.cases.clips import Clip

_LOSSLESS = ("--crf", "0")
_H264 = {"qp": "0"}
_FRAMES = 10
_TAGS = {"bt601": (6, 6, 6), "bt709": (1, 1, 1), "bt2020": (9, 14, 9)}
_AUDIO = short(Fraction(4, 10))


def _usual_codec(pix_fmt: str) -> str:
    """What shows such pictures on most players."""
    return "hevc" if pix_fmt == "yuv420p10le" else "h264"


def _kept(pix_fmt: str, matrix: str = "bt709", *, full_range: bool = False) -> Case:
    """A format that the result repeats, bit by bit."""
    scale = "full" if full_range else "limited"
    return Case(
        name=f"{pix_fmt}, {matrix}, {scale}",
        what="H.264 lossless, result lossless",
        video=Clip(
            count=6,
            pix_fmt=pix_fmt,
            options=_H264,
            matrix=matrix,
            full_range=full_range,
            tags=_TAGS[matrix],
        ),
        audio=_AUDIO,
        options=_LOSSLESS,
        expected=Made(
            frames=_FRAMES,
            shown=bounce(6, _FRAMES),
            pixel_format=pix_fmt,
            codec=_usual_codec(pix_fmt),
            full_range=full_range,
            tags=_TAGS[matrix],
            colour_error=2,
            unchanged="all",
        ),
    )


def _richer(pix_fmt: str, becomes: str, what: str, *, codec: str = "ffv1", error: int = 3) -> Case:
    """A format that the result cannot repeat."""
    tags = (1, 1, 1) if pix_fmt.startswith(("rgb", "gbr", "bgr")) else None
    return Case(
        name=pix_fmt,
        what=what,
        video=Clip("clip.mkv", count=6, codec=codec, pix_fmt=pix_fmt),
        audio=_AUDIO,
        options=_LOSSLESS,
        expected=Made(
            frames=_FRAMES,
            shown=bounce(6, _FRAMES),
            pixel_format=becomes,
            codec=_usual_codec(becomes),
            colour_error=error,
            tags=tags,
        ),
    )


CASES = [
    *(_kept("yuv420p", matrix, full_range=full) for matrix in _TAGS for full in (False, True)),
    _kept("yuv422p"),
    _kept("yuv444p"),
    _kept("yuv420p10le", "bt2020"),
    _kept("yuv420p10le", "bt2020", full_range=True),
    _kept("yuv422p10le"),
    _kept("yuv422p10le", "bt601", full_range=True),
    _kept("yuv444p10le"),
    Case(
        name="HDR",
        what="HEVC 10 bit, BT.2020, PQ",
        video=Clip(
            "clip.mov",
            count=6,
            codec="libx265",
            pix_fmt="yuv420p10le",
            matrix="bt2020",
            tags=(9, 16, 9),
            options={"x265-params": "log-level=none"},
        ),
        audio=_AUDIO,
        expected=Made(
            frames=_FRAMES,
            shown=bounce(6, _FRAMES),
            pixel_format="yuv420p10le",
            codec="hevc",
            tags=(9, 16, 9),
        ),
    ),
    Case(
        name="4:2:2 turned by 90°",
        what="becomes 4:4:4; luma is equal",
        video=Clip("clip.mov", count=6, pix_fmt="yuv422p10le", options=_H264, turn="clockwise"),
        audio=_AUDIO,
        options=_LOSSLESS,
        expected=Made(
            frames=_FRAMES, shown=bounce(6, _FRAMES), pixel_format="yuv444p10le", unchanged="luma"
        ),
    ),
    _richer("yuv420p12le", "yuv420p10le", "12 bit becomes 10", codec="libx265"),
    _richer("yuv422p12le", "yuv422p10le", "12 bit becomes 10"),
    _richer("yuv444p16le", "yuv444p10le", "16 bit becomes 10"),
    _richer("yuv411p", "yuv422p", "chroma finer than in the source"),
    _richer("yuv440p", "yuv444p", "chroma finer than in the source"),
    _richer("yuv410p", "yuv420p", "chroma finer than in the source"),
    _richer("yuva420p", "yuv420p", "opaque alpha"),
    Case(
        name="ProRes 4444",
        what="opaque alpha",
        video=Clip("clip.mov", count=6, codec="prores_ks", pix_fmt="yuva444p10le"),
        audio=_AUDIO,
        expected=Made(frames=_FRAMES, shown=bounce(6, _FRAMES), pixel_format="yuv444p10le"),
    ),
    Case(
        name="WebM with alpha",
        what="VP9",
        video=Clip("clip.webm", count=6, codec="libvpx-vp9", pix_fmt="yuva420p"),
        audio=_AUDIO,
        expected=Made(frames=_FRAMES, shown=bounce(6, _FRAMES)),
    ),
    _richer("bgr0", "yuv420p", "RGB becomes BT.709", error=5),
    _richer("gbrp10le", "yuv420p", "RGB of 10 bit becomes BT.709", error=5),
    Case(
        name="gray",
        what="luma is equal, no colour",
        video=Clip("clip.mkv", count=6, codec="ffv1", pix_fmt="gray"),
        audio=_AUDIO,
        options=_LOSSLESS,
        expected=Made(
            frames=_FRAMES, shown=bounce(6, _FRAMES), colour_error=None, unchanged="luma"
        ),
    ),
]

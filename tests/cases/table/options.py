"""Options of the command line."""

from collections.abc import Sequence
from fractions import Fraction

from tests.cases.case import FRAMES, Case, Made, Refused, bounce, short
from tests.cases.clips import Clip
from tests.cases.photos import Photo
from tests.cases.scene import Face, Scene, still

_LOSSLESS = ("--crf", "0")
_BRIEF = short(Fraction(4, 10))
_PAIR = Scene(432, 240, (Face(104, 60, 150), Face(272, 50, 160, other=True)))


def _longer(mode: str, shown: Sequence[int]) -> Case:
    return Case(
        name=f"--when-longer {mode}",
        what="6 pictures under 14 frames of speech",
        video=Clip(count=6),
        options=("--when-longer", mode),
        expected=Made(frames=len(shown), shown=shown),
    )


def _shorter(mode: str, frames: int) -> Case:
    return Case(
        name=f"--when-shorter {mode}",
        what="30 pictures, 10 frames of speech",
        video=Clip(count=30),
        audio=_BRIEF,
        options=("--when-shorter", mode),
        expected=Made(frames=frames, shown=range(frames), outlasting=mode == "pad"),
    )


def _part(options: str, shown: Sequence[int], what: str = "12 pictures") -> Case:
    return Case(
        name=options,
        what=what,
        options=options.split(),
        expected=Made(frames=len(shown), shown=shown),
    )


def _coded(codec: str, pix_fmt: str, *options: str, lossless: bool = False) -> Case:
    return Case(
        name=" ".join(
            ("--codec", codec, *options, *(_LOSSLESS if lossless else ()), "of", pix_fmt)
        ),
        video=Clip(count=6, pix_fmt=pix_fmt, options={"qp": "0"}),
        audio=_BRIEF,
        options=("--codec", codec, *options, *(_LOSSLESS if lossless else ())),
        expected=Made(
            frames=10,
            shown=bounce(6, 10),
            codec=codec,
            pixel_format=pix_fmt,
            unchanged="all" if lossless else "nothing",
        ),
    )


def _face(options: str, speakers: Sequence[int]) -> Case:
    return Case(
        name=options,
        what="two people, the right one larger; made losslessly",
        video=Clip(scene=_PAIR, count=6),
        audio=_BRIEF,
        options=(*options.split(), *_LOSSLESS),
        expected=Made(
            frames=10, shown=bounce(6, 10), size=(432, 240), unchanged="all", speakers=speakers
        ),
    )


def _nobody(options: str, sentence: str) -> Case:
    return Case(
        name=options,
        what="two people",
        video=Clip(scene=_PAIR, count=3),
        audio=_BRIEF,
        options=options.split(),
        expected=Refused(sentence, ""),
    )


TIMING = [
    _longer("bounce", bounce(6, FRAMES)),
    _longer("loop", [position % 6 for position in range(FRAMES)]),
    _longer("freeze", [min(position, 5) for position in range(FRAMES)]),
    _longer("cut", range(6)),
    _shorter("cut", 10),
    _shorter("pad", 30),
    _part("--start 0.2", [5 + number for number in bounce(7, FRAMES)]),
    _part("--duration 0.2", bounce(5, FRAMES)),
    _part("--start 0.2 --duration 0.2", [5 + number for number in bounce(5, FRAMES)]),
    _part("--start 0.2 --when-longer loop", [5 + position % 7 for position in range(FRAMES)]),
    _part("--start 0.44", [11] * FRAMES, "the last picture alone"),
    _part("--duration 100", bounce(12, FRAMES), "more than there is"),
    Case(
        name="--start 0.2 of a transport stream",
        what="two pictures that lean on others in front",
        video=Clip("clip.ts", count=24, gop=10),
        options=("--start", "0.2"),
        expected=Made(shown=range(5, 5 + FRAMES)),
    ),
    Case(
        name="--start 0.2 of a variable rate",
        what="the picture that is shown then comes first",
        video=Clip(
            "clip.mkv",
            count=8,
            ticks=(0, 40, 80, 160, 280, 320, 360, 400),
            time_base=Fraction(1, 1000),
        ),
        audio=short(Fraction(24, 100)),
        options=("--start", "0.2"),
        expected=Made(frames=6, shown=(3, 3, 4, 5, 6, 7)),
    ),
    Case(
        name="--start 0.2 of a turned clip",
        what="made losslessly",
        video=Clip(turn="clockwise", options={"qp": "0"}),
        options=("--start", "0.2", *_LOSSLESS),
        expected=Made(shown=[5 + number for number in bounce(7, FRAMES)], unchanged="all"),
    ),
    Case(
        name="--when-shorter pad --duration 0.8",
        what="30 pictures, 10 frames of speech",
        video=Clip(count=30),
        audio=_BRIEF,
        options=("--when-shorter", "pad", "--duration", "0.8"),
        expected=Made(frames=20, shown=range(20), outlasting=True),
    ),
    Case(
        name="--when-shorter pad with a photo",
        what="a photo has no length",
        video=Photo(),
        audio=_BRIEF,
        options=("--when-shorter", "pad"),
        expected=Made(frames=10, shown=[0] * 10),
    ),
    Case(
        name="--start 1 of a photo",
        video=Photo(),
        audio=_BRIEF,
        options=("--start", "1"),
        expected=Refused("photo"),
    ),
    Case(
        name="--start 0:10",
        what="behind the end of the clip",
        options=("--start", "0:10"),
        expected=Refused(r"0\.48|12 frames"),
    ),
]

ENCODING = [
    _coded("h264", "yuv420p", lossless=True),
    _coded("hevc", "yuv420p"),
    _coded("hevc", "yuv420p", lossless=True),
    _coded("hevc", "yuv422p10le", lossless=True),
    _coded("hevc", "yuv444p", lossless=True),
    _coded("av1", "yuv420p"),
    _coded("av1", "yuv420p10le"),
    _coded("av1", "yuv444p"),
    _coded("av1", "yuv422p10le"),
    _coded("av1", "yuv420p", lossless=True),
    _coded("hevc", "yuv420p", "--preset", "ultrafast"),
    *(
        Case(
            name=f"--codec {codec} of a tiny clip",
            what="64×64",
            video=Clip(scene=still(64, 64, 64), count=3),
            audio=_BRIEF,
            options=("--codec", codec),
            expected=Made(size=(64, 64), frames=10, shown=None, codec=codec, colour_error=None),
        )
        for codec in ("hevc", "av1")
    ),
    Case(
        name="--compatible",
        what="of yuv422p10le",
        video=Clip(count=6, pix_fmt="yuv422p10le", full_range=True),
        audio=_BRIEF,
        options=("--compatible",),
        expected=Made(frames=10, shown=bounce(6, 10), full_range=True),
    ),
    Case(
        name="--encoder nvenc",
        what="where there is no GPU",
        audio=_BRIEF,
        options=("--encoder", "nvenc"),
        expected=Made(frames=10, shown=bounce(12, 10)),
        note="libx264",
    ),
    Case(
        name="--crf 63 of H.264",
        options=("--crf", "63"),
        expected=Refused("h264 takes 0 .* to 51", ""),
    ),
    Case(
        name="--encoder nonsense",
        options=("--encoder", "nonsense"),
        expected=Refused("nonsense", ""),
    ),
    Case(
        name="--encoder libx265",
        what="an encoder says which codec it is",
        options=("--encoder", "libx265"),
        expected=Made(codec="hevc"),
    ),
    Case(
        name="--encoder libx265 of H.264",
        options=("--encoder", "libx265", "--codec", "h264"),
        expected=Refused("libx265", ""),
    ),
]

FACES = [
    _face("--face largest", (1,)),
    _face("--face index:0", (0,)),
    _face("--face index:1", (1,)),
    _face("--face point:180,130", (0,)),
    _face("--face point:0.8,0.5", (1,)),
    _face("--all-faces", (0, 1)),
    _nobody("--face index:5", "2 faces"),
    Case(
        name="the person comes and goes",
        what="seen in pictures 6 … 15 of 20",
        video=Clip(scene=Scene(faces=(Face(112, 48, 144, seen=range(6, 16)),)), count=20),
        audio=short(Fraction(8, 10)),
        expected=Made(frames=20, shown=range(20), with_face=range(6, 11)),
    ),
    Case(
        name="--idle still",
        what="a photo",
        video=Photo(),
        options=("--idle", "still"),
        expected=Made(shown=[0] * FRAMES, tags=(1, 13, 1)),
    ),
    Case(
        name="--idle breathe",
        what="a photo",
        video=Photo(),
        options=("--idle", "breathe"),
        expected=Made(shown=[0] * FRAMES, tags=(1, 13, 1)),
    ),
]

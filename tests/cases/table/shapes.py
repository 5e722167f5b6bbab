"""Orientation, size and shape of pixels."""

from fractions import Fraction

from tests.cases.case import Case, Made, Refused, bounce, short
from tests.cases.clips import Clip, Turn
from tests.cases.scene import Face, Scene, still

_LOSSLESS = ("--crf", "0")
_FIVE = short(Fraction(2, 10))


def _turned(turn: Turn, what: str) -> Case:
    return Case(
        name=what,
        what="display matrix of the MP4; made losslessly",
        video=Clip(turn=turn),
        options=_LOSSLESS,
        expected=Made(unchanged="all"),
    )


def _sized(
    scene: Scene,
    name: str,
    what: str,
    expected: Made,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
) -> Case:
    return Case(
        name=name,
        what=what,
        video=Clip(scene=scene, count=3, codec=codec, pix_fmt=pix_fmt),
        audio=_FIVE,
        expected=expected,
    )


CASES = [
    _turned("clockwise", "turned by 90°"),
    _turned("half", "turned by 180°"),
    _turned("counterclockwise", "turned by 270°"),
    _turned("mirror", "mirrored"),
    _sized(
        Scene(255, 191, (Face(111, 47, 144),)),
        "odd size, 4:2:0",
        "255×191, VP9",
        Made(size=(254, 190), frames=5, shown=bounce(3, 5)),
        "libvpx-vp9",
    ),
    _sized(
        Scene(255, 191, (Face(111, 47, 144),)),
        "odd size, 4:4:4",
        "255×191",
        Made(size=(255, 191), frames=5, shown=bounce(3, 5), pixel_format="yuv444p"),
        pix_fmt="yuv444p",
    ),
    _sized(
        still(64, 64, 64),
        "tiny with a face",
        "64×64",
        Made(size=(64, 64), frames=5, shown=None, colour_error=None),
    ),
    Case(
        name="16×16",
        what="no face fits",
        audio=_FIVE,
        video=Clip(scene=Scene(16, 16, (), labelled=False), count=3),
        expected=Refused("No face was found", names=""),
    ),
    Case(
        name="8×8",
        audio=_FIVE,
        video=Clip("clip.mkv", Scene(8, 8, (), labelled=False), 3, codec="ffv1"),
        expected=Refused("too small"),
    ),
    _sized(
        Scene(3840, 2160, (Face(1500, 300, 1600),)),
        "4K",
        "3840×2160",
        Made(size=(3840, 2160), frames=5, shown=bounce(3, 5)),
    ),
    _sized(
        Scene(1024, 96, (Face(500, 0, 96),)),
        "a very wide strip",
        "1024×96",
        Made(size=(1024, 96), frames=5, shown=bounce(3, 5)),
    ),
    _sized(
        Scene(96, 1024, (Face(0, 400, 96),)),
        "a very high strip",
        "96×1024",
        Made(size=(96, 1024), frames=5, shown=bounce(3, 5)),
    ),
    _sized(
        Scene(1080, 1920, (Face(300, 400, 500),)),
        "upright HD",
        "1080×1920, as phones",
        Made(size=(1080, 1920), frames=5, shown=bounce(3, 5)),
    ),
    _sized(
        Scene(1920, 1080, (Face(900, 500, 100),)),
        "a small face",
        "40 pixels in 1920×1080",
        Made(size=(1920, 1080), frames=5, shown=bounce(3, 5)),
    ),
    Case(
        name="anamorphic",
        what="pixels 4:3",
        video=Clip(sample_aspect=Fraction(4, 3)),
        expected=Made(sample_aspect=Fraction(4, 3)),
    ),
    Case(
        name="anamorphic and turned",
        what="pixels 4:3, turned by 90°",
        video=Clip("clip.mov", sample_aspect=Fraction(4, 3), turn="clockwise"),
        expected=Made(sample_aspect=Fraction(3, 4)),
    ),
    Case(
        name="anamorphic Matroska",
        what="pixels 12:11",
        video=Clip("clip.mkv", sample_aspect=Fraction(12, 11)),
        expected=Made(sample_aspect=Fraction(12, 11)),
    ),
]

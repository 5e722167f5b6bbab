"""Frame rates, steady and variable."""

from collections.abc import Sequence
from fractions import Fraction

from tests.cases.case import Case, Made, bounce, short
from tests.cases.clips import Clip
from tests.cases.recordings import SPOKEN_S

_MILLISECOND = Fraction(1, 1000)
_TICK = Fraction(1, 90000)


def _steady(rate: Fraction, length_s: Fraction = SPOKEN_S) -> Case:
    frames = -(-length_s * rate // 1)
    return Case(
        name=f"{float(rate):g} per second",
        what=f"{rate} pictures per second, {float(length_s):g} s of speech",
        video=Clip(rate=rate),
        audio=short(length_s),
        expected=Made(frames=frames, rate=rate, shown=bounce(12, frames)),
    )


def _variable(
    name: str, what: str, ticks: Sequence[int], rate: Fraction, shown: Sequence[int], suffix: str
) -> Case:
    clip = Clip(f"clip.{suffix}", count=len(ticks), rate=rate, ticks=ticks, time_base=_MILLISECOND)
    expected = Made(frames=len(shown), rate=rate, shown=shown)
    length_s = (len(shown) - Fraction(1, 2)) / rate
    return Case(name=name, what=what, video=clip, audio=short(length_s), expected=expected)


def _jittered(count: int) -> list[int]:
    """Milliseconds of a phone's 30 pictures per second: up to 9 ms early or late."""
    return [round(number * 100 / 3) + (0, 7, -6, 9, -9, 4)[number % 6] for number in range(count)]


CASES = [
    *(_steady(Fraction(rate)) for rate in (12, 15, 24, 25, 30, 50, 60)),
    *(_steady(Fraction(rate, 1001)) for rate in (24000, 30000, 60000)),
    *(_steady(Fraction(rate), Fraction(2, 10)) for rate in (100, 120, 240)),
    _variable(
        "a phone's jitter",
        "30 per second, each up to 9 ms early or late",
        _jittered(19),
        Fraction(30),
        range(19),
        "mp4",
    ),
    Case(
        name="an iPhone in HDR",
        what="HEVC, HLG, held upright, time stamps that jitter",
        video=Clip(
            "clip.mov",
            count=12,
            rate=Fraction(30),
            codec="libx265",
            pix_fmt="yuv420p10le",
            matrix="bt2020",
            tags=(9, 18, 9),
            turn="clockwise",
            ticks=[20 * number + (0, 1, -1)[number % 3] for number in range(12)],
            time_base=Fraction(1, 600),
            options={"x265-params": "log-level=none"},
        ),
        audio=short(Fraction(4, 10)),
        expected=Made(
            frames=12,
            rate=Fraction(30),
            shown=range(12),
            pixel_format="yuv420p10le",
            codec="hevc",
            tags=(9, 18, 9),
        ),
    ),
    _variable(
        "a screen recorder",
        "pictures only where something changes, 33 … 333 ms apart",
        [0, 33, 67, 100, 433, 467, 500, 567, 600, 633, 667],
        Fraction(30),
        [0, 1, 2, *[3] * 10, 4, 5, 6, 6, 7, 8, 9, 10],
        "mkv",
    ),
    _variable(
        "a long pause",
        "half a second without a new picture",
        [0, 40, 80, 120, 600, 640, 680],
        Fraction(25),
        [0, 1, 2, *[3] * 12, 4, 5, 6],
        "mp4",
    ),
]

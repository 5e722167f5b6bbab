"""The constant rate at which the pictures of a video are shown."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]

_USUAL_RATES = (
    Fraction(12),
    Fraction(25, 2),
    Fraction(15000, 1001),
    Fraction(15),
    Fraction(20),
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(48),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
    Fraction(90),
    Fraction(100),
    Fraction(120000, 1001),
    Fraction(120),
    Fraction(240000, 1001),
    Fraction(240),
)
_SAME_RATE = Fraction(2, 10_000)  # 29.97 means 30000/1001, but 24 is not 24000/1001
_NEAR_AVERAGE = Fraction(2, 100)
_LARGEST_DENOMINATOR = 100  # besides 1001: what cameras and editors write, such as 12.5 or 23.98
_SLOWEST_RATE = 10  # below it a mouth cannot be followed
_FASTEST_RATE = 240
# Variable rates are sampled at one of these, the first that drops few pictures.
_SAMPLING_RATES = tuple(map(Fraction, (15, 24, 25, 30, 50, 60)))
_SAMPLING_RATES_FOR_SLOW = tuple(map(Fraction, (25, 30, 50, 60)))
_RATE_OF_ONE = Fraction(25)  # whatever is declared for a single picture
_FEW = 0.02
_SLACK = Fraction(1, 4)  # of a frame: a picture that comes this little late is still on time


def frame_rate(times: Times, time_base: Fraction, declared: Sequence[Fraction]) -> Fraction:
    """Chooses the rate: one that the pictures keep to, otherwise one that drops few of them.

    Args:
        times: When each picture appears, ascending, in units of `time_base`.
        time_base: Seconds per unit.
        declared: What the container says of the rate, most trusted first.

    Returns:
        10 to 240 per second; always a declared or a usual rate, never a measured average.
    """
    if len(times) == 1:
        return _RATE_OF_ONE
    average = (len(times) - 1) / (int(times[-1] - times[0]) * time_base)
    for rate in _candidates(average, declared):
        if keeps_to(times, time_base, rate):
            return rate
    usual = _SAMPLING_RATES if average >= _SLOWEST_RATE else _SAMPLING_RATES_FOR_SLOW
    for rate in (*(r for r in declared if _is_plain(r) and r <= usual[-1]), *usual):
        shown = sampled(times, time_base, rate, int(times[-1]))
        if len(np.unique(shown)) >= (1 - _FEW) * len(times):
            return rate
    return usual[-1]


def keeps_to(times: Times, time_base: Fraction, rate: Fraction) -> bool:
    """Whether every picture is less than half a frame from its place at a constant rate."""
    step = float(1 / (rate * time_base))
    ideal = times[0] + np.arange(len(times)) * step
    return bool(np.abs(times - ideal).max() < step / 2)


def sampled(times: Times, time_base: Fraction, rate: Fraction, end: int) -> Times:
    """The time of the picture that each frame of a constant rate shows, int64 [M].

    A frame shows the last picture that has appeared by then; the last picture is shown until `end`,
    at least once.
    """
    step = 1 / (rate * time_base)
    first, last = int(times[0]), int(times[-1])
    count = max(int((last - first) / step) + 1, round((end - first) / step))
    clock = first + np.arange(count) * step.numerator // step.denominator + int(step * _SLACK)
    shown = times[np.searchsorted(times, clock, side="right") - 1]
    return shown if shown[-1] == last else np.append(shown, times[-1])


def _candidates(average: Fraction, declared: Sequence[Fraction]) -> Iterator[Fraction]:
    for rate in declared:
        usual = min(_USUAL_RATES, key=lambda known: abs(known - rate))
        if abs(usual - rate) <= _SAME_RATE * usual:
            yield usual
    for usual in sorted(_USUAL_RATES, key=lambda known: abs(known - average)):
        if abs(usual - average) <= _NEAR_AVERAGE * usual:
            yield usual
    yield from (rate for rate in (*declared, average) if _is_plain(rate))


def _is_plain(rate: Fraction) -> bool:
    simple = rate.denominator <= _LARGEST_DENOMINATOR or rate.denominator == 1001
    return simple and _SLOWEST_RATE <= rate <= _FASTEST_RATE

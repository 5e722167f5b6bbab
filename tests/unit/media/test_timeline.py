"""The constant rate that a clip is shown at, chosen from the times of its pictures."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.media.info import probe_video
from orchestrator.media.timeline import Timeline
from tests.unit.media.making import Clip, make_video

RATES = [
    *(Fraction(rate) for rate in (12, 15, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)),
    Fraction(25, 2),
    *(Fraction(rate * 1000, 1001) for rate in (15, 24, 30, 60, 120, 240)),
]


def timeline(
    times: list[int] | NDArray[np.int64], *declared: Fraction, per_second: int = 1000, end: int = 0
) -> Timeline:
    keys = np.array(times[:1])
    return Timeline(np.array(times), keys, Fraction(1, per_second), declared, end)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_a_usual_rate_is_found_exactly(tmp_path: Path, rate: Fraction, suffix: str) -> None:
    info = probe_video(make_video(tmp_path / f"clip{suffix}", Clip(count=50, rate=rate)))
    assert (info.frame_rate, info.frame_count) == (rate, 50)


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_a_usual_rate_is_seen_in_rounded_times_alone(rate: Fraction) -> None:
    times = [round(number / rate * 1000) for number in range(3000)]
    assert timeline(times).frame_rate() == rate


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("29.97", Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("12.5", Fraction(25, 2)),
    ],
)
def test_a_rounded_rate_stands_for_the_exact_one(written: str, meant: Fraction) -> None:
    times = [round(number / meant * 1000) for number in range(500)]
    assert timeline(times, Fraction(written)).frame_rate() == meant


def test_a_steady_rate_of_an_animation_is_kept() -> None:
    assert timeline([number * 7 for number in range(50)], per_second=100).frame_rate() == (
        Fraction(100, 7)
    )


def test_a_declared_rate_that_pictures_do_not_keep_to_gives_way_to_the_real_one() -> None:
    steady = [number * 40 for number in range(500)]
    assert timeline(steady, Fraction(30)).frame_rate() == 25


def test_a_variable_rate_keeps_the_declared_one() -> None:
    gaps = [0, 33, 67, 100, 233, 267, 400, 500, 533, 800]
    assert timeline(gaps, Fraction(30)).frame_rate() == 30


def test_a_declared_rate_out_of_the_ordinary_is_not_used() -> None:
    gaps = [0, 33, 67, 100, 140, 167, 233, 260, 300, 333, 366, 433]
    assert timeline(gaps, Fraction(1000)).frame_rate() == 30


def test_an_average_is_never_the_rate() -> None:
    times = np.cumsum(np.random.default_rng(1).choice([33, 33, 33, 67], 2000))
    average = Fraction(40000, 1741)
    assert timeline(times, average).frame_rate() == 30


def test_a_short_clip_of_a_phone_has_a_usual_rate() -> None:
    jitter = np.random.default_rng(4).integers(-9, 10, 20)
    times = [round(number * 1000 / 30) + int(jitter[number]) for number in range(20)]
    assert timeline(times, Fraction(475, 16)).frame_rate() == 30


def test_a_screen_recording_with_pauses_keeps_its_fast_parts() -> None:
    fast = [number * 17 for number in range(200)]
    pauses = [3400 + number * 900 for number in range(30)]
    chosen = timeline([*fast, *pauses])
    rate = chosen.frame_rate()
    assert rate == 60
    dropped = set(chosen.times.tolist()) - set(chosen.shown(rate).tolist())
    assert len(dropped) <= 0.02 * 230


def test_pictures_too_slow_for_a_mouth_are_shown_more_often() -> None:
    slow = timeline([number * 1000 for number in range(10)], Fraction(1), end=10_000)
    assert slow.frame_rate() == 25
    assert slow.shown(Fraction(25)).tolist() == sorted([*range(0, 10_000, 1000)] * 25)


def test_the_last_picture_is_shown_as_long_as_the_file_says() -> None:
    times = [0, 40, 80, 200, 240]
    assert timeline(times, Fraction(25), end=400).shown(Fraction(25)).tolist() == [
        *(0, 40, 80, 80, 80, 200),
        *(240, 240, 240, 240),
    ]


def test_a_long_variable_clip_does_not_drift() -> None:
    noise = np.random.default_rng(2).integers(-15, 16, 216_000)
    times = np.sort(np.arange(216_000) * 100 / 3 + noise).astype(
        np.int64
    )  # two hours at 30 a second
    times[150_000:] += 500
    shown = timeline(times, Fraction(30)).shown(Fraction(30))
    clock = times[0] + np.arange(len(shown)) * 100 / 3
    assert np.abs(shown - clock).max() < 600  # the one pause
    assert np.abs(shown[-1000:] - clock[-1000:]).max() < 60

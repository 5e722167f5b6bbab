from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from orchestrator.media.excerpt import excerpt
from orchestrator.media.speech import read_speech
from tests.unit.media.making import make_sound, tone

RATE = 48_000


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return make_sound(tmp_path / "tone.wav", tone(2, RATE), RATE, "pcm_s16le")


def heard(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.concatenate(list(read_speech(path, RATE)))


def test_the_part_is_cut_to_the_sample(recording: Path) -> None:
    with excerpt(recording, Fraction(3, 4), Fraction(1, 2)) as part:
        assert np.abs(heard(part) - heard(recording)[36_000:60_000]).max() < 1e-4


def test_silence_follows_where_the_recording_ends(recording: Path) -> None:
    with excerpt(recording, Fraction(7, 4), Fraction(1)) as part:
        samples = heard(part)
    assert len(samples) == RATE
    assert np.abs(samples[:12_000]).max() > 0.4
    assert not samples[12_000:].any()


def test_beyond_the_end_all_is_silence(recording: Path) -> None:
    with excerpt(recording, Fraction(9), Fraction(1, 25)) as part:
        assert len(heard(part)) == RATE // 25


def test_it_is_gone_afterwards(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with excerpt(recording, Fraction(0), Fraction(1)) as part:
        assert part.stat().st_size > RATE
    assert list(folder.iterdir()) == []

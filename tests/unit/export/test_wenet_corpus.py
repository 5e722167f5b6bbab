"""The speech that the encoder learns from: sentences, files, changes and windows."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from client.errors import InputError
from export.builtin.wenet import utterances as store
from export.builtin.wenet.augment import (
    Recording,
    add_noise,
    augment,
    change_speed,
    change_tempo,
    set_level,
)
from export.builtin.wenet.dataset import StoredRecording, cut, load_recordings, windows
from export.builtin.wenet.phones import INDEX
from export.builtin.wenet.synthesise import plan
from export.builtin.wenet.text import sentences_in
from export.builtin.wenet.utterances import Segment, Utterance

RATE_HZ = 16_000
A, SIL = INDEX["a"], INDEX["sil"]
WINDOW, FEATURES = 90_320, 140


def tone(length_s: float, frequency_hz: float = 500) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(int(length_s * RATE_HZ)) / RATE_HZ)


def vowel_after_silence() -> StoredRecording:
    """12 s that are silent for 5 s, an a for 2 s, and silent again."""
    sound = np.zeros(12 * RATE_HZ)
    sound[5 * RATE_HZ : 7 * RATE_HZ] = tone(2)
    segments = [
        Segment(0, 5, SIL, False),
        Segment(5, 7, A, True),
        Segment(7, 12, SIL, False),
    ]
    return StoredRecording((sound * 32767).astype(np.int16), segments)


def loudest_hz(sound: NDArray[np.float64]) -> float:
    return float(np.abs(np.fft.rfft(sound)).argmax() * RATE_HZ / len(sound))


def test_sentences_are_prose_and_not_code() -> None:
    passage = "The file is read in one go. SEE ALSO foo(1). x = y[0]; It then says what it found."
    assert list(sentences_in(passage)) == [
        "The file is read in one go.",
        "It then says what it found.",
    ]


def test_utterances_come_back_from_their_file_as_they_were(tmp_path: Path) -> None:
    first = Utterance(np.array([1, -2, 3], np.int16), [Segment(0.0, 0.5, A, True)], "one")
    second = Utterance(np.array([4], np.int16), [Segment(0.0, 0.25, SIL, False)], "two")
    store.save(tmp_path / "speech.npz", [first, second])
    back = list(store.load(tmp_path / "speech.npz"))
    assert [(u.samples.tolist(), u.segments, u.voice) for u in back] == [
        ([1, -2, 3], first.segments, "one"),
        ([4], second.segments, "two"),
    ]


def test_the_new_speakers_are_never_trained_on() -> None:
    trained = {batch.voice for batch in plan() if not batch.test}
    tested = {batch.voice for batch in plan() if batch.test}
    assert {"rms", "awb"} <= tested
    assert trained.isdisjoint({"rms", "awb", "english", "pinyin"})


def test_an_empty_corpus_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="synthesise"):
        load_recordings(tmp_path, "train/*.npz", np.random.default_rng(0))


def test_a_faster_recording_has_earlier_phones_and_a_higher_pitch() -> None:
    faster = change_speed(Recording(tone(2), [Segment(0.5, 1.0, A, True)]), 1.25)
    assert len(faster.samples) == pytest.approx(1.6 * RATE_HZ, abs=2)
    assert faster.segments == [Segment(0.4, 0.8, A, True)]
    assert loudest_hz(faster.samples) == pytest.approx(625, abs=2)


def test_a_faster_tempo_keeps_the_pitch() -> None:
    faster = change_tempo(Recording(tone(2), [Segment(0.5, 1.0, A, True)]), 1.25)
    assert len(faster.samples) == pytest.approx(1.6 * RATE_HZ, abs=2)
    assert faster.segments == [Segment(0.4, 0.8, A, True)]
    assert loudest_hz(faster.samples) == pytest.approx(500, abs=2)


def test_noise_stays_below_the_speech() -> None:
    rng = np.random.default_rng(0)
    for _ in range(8):
        noise = add_noise(tone(1), rng, lambda count: tone(count / RATE_HZ, 300)) - tone(1)
        assert 0 < noise.std() < tone(1).std() * 10 ** (-4.9 / 20)


def test_the_peak_stays_below_full_scale() -> None:
    rng = np.random.default_rng(0)
    peaks = [np.abs(set_level(tone(0.1), rng)).max() for _ in range(20)]
    assert min(peaks) >= 10 ** (-30 / 20)
    assert max(peaks) < 1


def test_a_changed_recording_keeps_its_phones_inside_it() -> None:
    rng = np.random.default_rng(0)
    for _ in range(8):
        changed = augment(Recording(tone(2), [Segment(0, 2, A, True)]), rng, np.ones)
        assert np.isfinite(changed.samples).all()
        assert changed.segments[-1].end_s == pytest.approx(len(changed.samples) / RATE_HZ, abs=0.01)


def test_a_window_is_silent_outside_its_recording() -> None:
    sound = np.full(100, 16_384, np.int16)
    np.testing.assert_array_equal(cut(sound, -2, 4), np.array([0, 0, 0.5, 0.5], np.float32))
    np.testing.assert_array_equal(cut(sound, 98, 4), np.array([0.5, 0.5, 0, 0], np.float32))


def test_labels_of_a_window_are_where_its_sound_is() -> None:
    source = windows([vowel_after_silence()], WINDOW, FEATURES, np.random.default_rng(0))
    heard = 0
    for _ in range(20):
        speech, phones, voiced = next(source)
        # Output i covers 40 ms from 40 i + 22.5 ms of the window.
        blocks = speech[360 : 360 + (FEATURES - 1) * 640].reshape(-1, 640)
        loud = (blocks**2).mean(axis=1) > 0.12
        heard += int(loud.sum())
        assert (phones[: FEATURES - 1, A][loud] > 0.9).all()
        assert (phones[: FEATURES - 1, A][~(blocks**2).any(axis=1)] < 0.1).all()
        np.testing.assert_allclose(voiced, phones[:, A], atol=1e-5)
    assert heard > 0


def test_some_windows_hold_no_speech_at_all() -> None:
    source = windows([vowel_after_silence()], WINDOW, FEATURES, np.random.default_rng(0))
    drawn = [next(source) for _ in range(200)]
    speechless = [w for w in drawn if np.abs(w[0]).max() < 0.05 and w[0].any()]
    assert speechless
    assert all((phones[:, SIL] == 1).all() for _, phones, _ in speechless)

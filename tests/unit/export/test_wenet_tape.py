"""The windows that the speech encoder learns from, and their labels."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from torch import Tensor

from client.errors import InputError
from export.builtin.wenet import utterances as store
from export.builtin.wenet.phones import INDEX, PHONES
from export.builtin.wenet.tape import (
    CELL_SAMPLES,
    Tape,
    Windows,
    load_tape,
    resample,
    windows,
)
from export.builtin.wenet.utterances import Segment, Utterance

RATE_HZ = 16_000
WINDOW, FEATURES, HOP = 90_320, 140, 640
FIRST_SAMPLE = 360  # output i is centred at 40 i + 42.5 ms: it covers 40 ms from here on
A, M, SIL = INDEX["a"], INDEX["M"], INDEX["sil"]


def tape_of(samples: NDArray[np.int16], phone: int, spoken: NDArray[np.bool_]) -> Tape:
    """Builds a tape on which one voiced sound is in all cells that are spoken."""
    phones = np.where(spoken, phone, SIL).astype(np.uint8)
    return Tape(torch.from_numpy(samples), torch.from_numpy(phones), torch.from_numpy(spoken))


def steady_speech(seconds: float = 10) -> Tape:
    """One level, and one sound, all the time."""
    cells = int(seconds * RATE_HZ) // CELL_SAMPLES
    samples = np.full(cells * CELL_SAMPLES, 16_384, np.int16)
    return tape_of(samples, A, np.ones(cells, np.bool_))


def stretches_of_speech(seconds: float = 30) -> Tape:
    """A steady level with a label for 0.1 to 0.6 s, then nothing for as long, and so on."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(20, 120, size=int(seconds * RATE_HZ) // CELL_SAMPLES // 70)
    spoken = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    samples = np.repeat(spoken * 16_384, CELL_SAMPLES).astype(np.int16)
    return tape_of(samples, A, spoken)


def drawn(tape: Tape, count: int, seed: int = 0) -> Windows:
    """Many windows at once."""
    return next(windows(tape, count, torch.Generator().manual_seed(seed)))


def sound_shares(speech: Tensor) -> NDArray[np.float32]:
    """Share of each feature's 40 ms that is not silent, without the last feature."""
    covered = speech[:, FIRST_SAMPLE : FIRST_SAMPLE + (FEATURES - 1) * HOP]
    blocks = covered.reshape(len(speech), FEATURES - 1, HOP)
    shares: NDArray[np.float32] = (blocks.abs() > 0.25).float().mean(dim=2).numpy()
    return shares


def delay_ms(labels: NDArray[np.float32], shares: NDArray[np.float32]) -> float:
    """How much later labels are than sounds, from the differences where sounds begin and end."""
    slope = (shares[:, 2:] - shares[:, :-2]) / 2
    return float(-40 * ((labels - shares)[:, 1:-1] * slope).sum() / (slope**2).sum())


def test_labels_stand_where_the_sound_is_at_every_speed() -> None:
    batch = drawn(stretches_of_speech(), 64)
    shares = sound_shares(batch.speech)
    labels = batch.phones[:, :-1, A].numpy()
    assert abs(delay_ms(labels, shares)) < 1
    # Eight looks in 40 ms, and cells of 5 ms of the tape: an edge is known to a quarter.
    assert np.abs(labels - shares).max() < 0.3
    assert np.abs(labels - shares).mean() < 0.02


def test_a_measured_delay_is_the_delay_of_labels() -> None:
    """The test above would see labels that are late by a cell."""
    batch = drawn(stretches_of_speech(), 64)
    late = torch.roll(batch.speech, -CELL_SAMPLES, dims=1)
    labels = batch.phones[:, :-1, A].numpy()
    assert delay_ms(labels, sound_shares(late)) == pytest.approx(5, abs=1.5)


def test_labels_of_a_feature_sum_to_one_and_voicing_follows_the_sound() -> None:
    batch = drawn(stretches_of_speech(), 16)
    assert batch.speech.shape == (16, WINDOW)
    assert batch.phones.shape == (16, FEATURES, len(PHONES))
    assert batch.voiced.shape == (16, FEATURES)
    np.testing.assert_allclose(batch.phones.sum(dim=2), 1, atol=1e-6)
    np.testing.assert_array_equal(batch.voiced, batch.phones[:, :, A])


def test_speech_is_heard_at_other_speeds_and_so_at_other_pitches() -> None:
    seconds = np.arange(12 * RATE_HZ) / RATE_HZ
    tone = (16_384 * np.sin(2 * np.pi * 500 * seconds)).astype(np.int16)
    tape = tape_of(tone, A, np.ones(len(tone) // CELL_SAMPLES, np.bool_))
    speech = drawn(tape, 64).speech
    heard = speech[speech.abs().mean(dim=1) > 0.3]  # those that are not cut
    spectra = torch.fft.rfft(heard * torch.hann_window(WINDOW), dim=1).abs()
    pitches_hz = spectra.argmax(dim=1).numpy() * RATE_HZ / WINDOW
    assert 0.81 * 500 < pitches_hz.min() < 0.86 * 500
    assert 1.15 * 500 < pitches_hz.max() < 1.21 * 500


def test_reading_at_a_speed_keeps_the_wave() -> None:
    seconds = np.arange(RATE_HZ) / RATE_HZ
    samples = torch.from_numpy((16_384 * np.sin(2 * np.pi * 500 * seconds)).astype(np.int16))
    starts, speeds = torch.tensor([[1], [7]]), torch.tensor([[0.82], [1.2]])
    clock = torch.arange(10_000)
    read = resample(samples, starts, speeds, clock).numpy()
    at_s = (starts.numpy() + np.arange(10_000) * np.array([[0.82], [1.2]])) / RATE_HZ
    np.testing.assert_allclose(read, 0.5 * np.sin(2 * np.pi * 500 * at_s), atol=2e-3)


def test_reading_at_the_speed_of_the_tape_copies_it() -> None:
    samples = torch.randint(-32_768, 32_768, (500,), generator=torch.Generator().manual_seed(0))
    samples = samples.to(torch.int16)
    read = resample(samples, torch.tensor([[3]]), torch.tensor([[1.0]]), torch.arange(400))
    np.testing.assert_array_equal(read[0], samples[3:403] / 32_768)


@pytest.fixture(scope="module")
def steady_windows() -> Windows:
    """400 windows of one sound that never ends, drawn in batches that need little memory."""
    source = windows(steady_speech(), 25, torch.Generator().manual_seed(0))
    batches = [next(source) for _ in range(16)]
    return Windows(*(torch.cat(column) for column in zip(*batches, strict=True)))


def test_windows_are_silent_outside_recordings_that_are_cut(steady_windows: Windows) -> None:
    batch = steady_windows
    heard = batch.speech != 0
    edges = heard[:, 1:] != heard[:, :-1]
    assert (edges.sum(dim=1) <= 2).all()  # nothing, then speech, then nothing
    shares, labels = sound_shares(batch.speech), batch.phones[:, :-1].numpy()
    assert (labels[shares == 0][:, SIL] == 1).all()
    assert (labels[shares == 1][:, A] == 1).all()
    assert abs(delay_ms(labels[:, :, A], shares)) < 2


def test_some_windows_begin_before_a_recording_and_some_end_after_one(
    steady_windows: Windows,
) -> None:
    heard = steady_windows.speech != 0
    spoken = heard[heard.any(dim=1)]
    assert 0.08 < float((~spoken[:, 0]).float().mean()) < 0.23
    assert 0.08 < float((~spoken[:, -1]).float().mean()) < 0.23
    assert float((spoken[:, 0] & spoken[:, -1]).float().mean()) > 0.5


def test_some_windows_hold_no_speech_at_all(steady_windows: Windows) -> None:
    batch = steady_windows
    speechless = ~batch.speech.any(dim=1)
    assert 0.02 < float(speechless.float().mean()) < 0.12
    assert (batch.phones[speechless][:, :, SIL] == 1).all()
    assert not batch.voiced[speechless].any()


def test_windows_come_from_everywhere_on_the_tape() -> None:
    cells = 20 * RATE_HZ // CELL_SAMPLES
    ramp = np.linspace(1, 32_767, cells * CELL_SAMPLES).astype(np.int16)
    tape = tape_of(ramp, A, np.ones(cells, np.bool_))
    speech = drawn(tape, 100).speech
    assert float(speech[speech > 0].min()) < 0.05
    assert float(speech.max()) > 0.9


def test_the_same_generator_draws_the_same_windows() -> None:
    tape = stretches_of_speech()
    once, again, other = drawn(tape, 4), drawn(tape, 4), drawn(tape, 4, seed=1)
    assert all(torch.equal(*pair) for pair in zip(once, again, strict=True))
    assert not torch.equal(once.speech, other.speech)


def test_following_batches_differ() -> None:
    source: Iterator[Windows] = windows(stretches_of_speech(), 4, torch.Generator().manual_seed(0))
    assert not torch.equal(next(source).speech, next(source).speech)


def speak(folder: Path, name: str, phone: int, seconds: float = 1) -> None:
    """Writes a file of training speech: two utterances of one sound."""
    samples = np.full(int(seconds * RATE_HZ), 1000, np.int16)
    said = Utterance(samples, [Segment(0, seconds, phone, True)], name)
    store.save(folder / "train" / f"{name}-0.npz", [said, said])


def phones_on(tape: Tape) -> set[str]:
    return {PHONES[phone] for phone in tape.phones.unique().tolist()}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Four files of three engines, each with a sound of its own."""
    speak(tmp_path, "espeak-all", INDEX["a"])
    speak(tmp_path, "festival-kal_diphone", INDEX["i"])
    speak(tmp_path, "flite-rms", INDEX["o"])
    speak(tmp_path, "flite-slt", INDEX["u"])
    store.save(
        tmp_path / "test" / "espeak-english-0.npz",
        [Utterance(np.ones(800, np.int16), [Segment(0, 0.05, M, True)], "test")],
    )
    return tmp_path


@pytest.mark.parametrize(
    ("held_out", "heard"),
    [
        (None, "sil a i o u"),
        ("flite", "sil a i"),
        ("flite-rms", "sil a i u"),
        ("festival", "sil a o u"),
    ],
)
def test_an_engine_or_one_of_its_voices_can_be_held_out(
    corpus: Path, held_out: str | None, heard: str
) -> None:
    tape = load_tape(corpus, held_out, np.random.default_rng(0))
    assert phones_on(tape) == set(heard.split())


def test_a_corpus_without_training_speech_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="synthesise"):
        load_tape(tmp_path, None, np.random.default_rng(0))
    speak(tmp_path, "flite-rms", A)
    with pytest.raises(InputError, match="synthesise"):
        load_tape(tmp_path, "flite", np.random.default_rng(0))


def test_utterances_stand_whole_on_the_tape_with_pauses_before_them(corpus: Path) -> None:
    tape = load_tape(corpus, None, np.random.default_rng(0))
    assert len(tape.samples) == CELL_SAMPLES * len(tape.phones) == CELL_SAMPLES * len(tape.voiced)
    spoken = tape.phones != SIL
    assert int(spoken.sum()) == 8 * RATE_HZ // CELL_SAMPLES  # four files, two utterances, 1 s
    assert torch.equal(tape.voiced, spoken)
    assert torch.equal(tape.samples.reshape(-1, CELL_SAMPLES).bool().all(dim=1), spoken)
    begins = (spoken[1:] & ~spoken[:-1]).sum() + spoken[0]
    assert int(begins) >= 7  # a pause may have drawn no time


def test_a_cell_is_labelled_by_the_sound_in_its_middle(tmp_path: Path) -> None:
    segments = [Segment(0.004, 0.012, A, True), Segment(0.013, 9.0, M, True)]
    said = Utterance(np.ones(30 * CELL_SAMPLES + 79, np.int16), segments, "one")
    store.save(tmp_path / "train" / "one-0.npz", [said])
    tape = load_tape(tmp_path, None, np.random.default_rng(0))
    cells = [PHONES[phone] for phone in tape.phones[-30:].tolist()]
    # The middles are at 2.5, 7.5, 12.5 ms, and so on: in none, in the a, in none, in the m.
    assert cells == ["sil", "a", "sil", *["M"] * 27]
    assert tape.voiced[-30:].tolist() == [False, True, False, *[True] * 27]

"""The benchmark of the speech encoder: it measures what it says."""

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from benchmarks.speech import aligner, curves, mandarin
from benchmarks.speech.__main__ import names_of
from benchmarks.speech.encoder import CONTEXT, CORE, HOP, Encoder, Floats, windows_of
from benchmarks.speech.recordings import read
from benchmarks.speech.scores import OPENING, interval, opening_of, score, shut_events
from benchmarks.speech.synthetic import labels_of, spoken_sets
from client.errors import InputError
from export.builtin.wenet import utterances as store
from export.builtin.wenet.phones import INDEX, PHONES
from export.builtin.wenet.resample import to_16_khz
from export.builtin.wenet.utterances import Segment, Utterance

ROOT = Path(__file__).parents[2]
WENET, DATA = ROOT / "model_repository" / "wenet", ROOT / "tests" / "data"
SIL, M, A, E = (INDEX[name] for name in ("sil", "M", "a", "E"))


def labels(*phones: int) -> Floats:
    return np.eye(len(PHONES), dtype=np.float32)[list(phones)]


def perfect(wanted: Floats) -> Floats:
    """Features that say what the labels say."""
    features = np.zeros((len(wanted), 64), np.float32)
    features[:, : len(PHONES)] = wanted
    features[:, OPENING] = opening_of(wanted)
    return features


SENTENCE = labels(*[SIL] * 10, *[M] * 3, *[A] * 4, *[E] * 5, *[M] * 2, *[A] * 3, *[SIL] * 10)


def test_features_that_say_what_the_labels_say_score_best() -> None:
    found = score(perfect(SENTENCE), SENTENCE)
    assert (found.group, found.clear, found.shut, found.quiet) == (1, 1, 1, 1)
    assert found.opening == pytest.approx(1)
    assert found.wrongly_shut == 0
    assert (found.events, found.lag) == (2, 0)


@pytest.mark.parametrize("late", [-1, 1, 2])
def test_features_that_come_late_are_told_to(late: int) -> None:
    features = np.roll(perfect(SENTENCE), late, axis=0)
    assert score(features, SENTENCE).lag == late


def test_a_mouth_that_stays_shut_is_wrong_when_it_should_be_open() -> None:
    features = perfect(SENTENCE)
    features[:, OPENING] = np.linspace(0, 0.01, len(features))
    found = score(features, SENTENCE)
    assert (found.shut, found.wrongly_shut) == (1, 1)


def test_an_m_counts_once_and_one_feature_of_it_must_be_shut() -> None:
    features = perfect(SENTENCE)
    features[10:12, OPENING] = 0.5
    assert score(features, SENTENCE).shut == 1
    features[12, OPENING] = 0.5
    assert score(features, SENTENCE).shut == 0.5


def test_sounds_that_look_alike_are_one_group() -> None:
    features = perfect(SENTENCE)
    features[:, [M, INDEX["PB"]]] = features[:, [INDEX["PB"], M]]
    assert score(features, SENTENCE).group == 1


def test_a_short_touch_of_the_lips_is_no_event() -> None:
    wanted = labels(A, A, A)
    wanted[1] = 0.5 * (labels(A) + labels(M))
    assert list(shut_events(wanted)) == []


def test_the_interval_is_narrow_where_much_was_measured() -> None:
    right = np.random.default_rng(0).random(25_000) < 0.8
    low, high = interval(right)
    assert 0.78 < low < right.mean() < high < 0.82
    short = interval(right[:250])
    assert short[1] - short[0] > 5 * (high - low)


def test_windows_overlap_by_their_context() -> None:
    samples = np.arange(CORE + 500, dtype=np.int64).astype(np.int16)
    first, second = windows_of(samples)
    assert not first[:CONTEXT].any()
    np.testing.assert_array_equal(first[CORE : CORE + CONTEXT], second[:CONTEXT])
    assert not second[CONTEXT + 500 :].any()


def test_an_encoder_gives_a_feature_for_every_forty_milliseconds() -> None:
    encode = Encoder(WENET / "2" / "model.onnx")
    assert encode(np.zeros(CORE + 3 * HOP, np.int16)).shape == (103, 64)


def test_labels_begin_with_the_recording() -> None:
    found = labels_of([Segment(0.0, 0.04, SIL, False), Segment(0.04, 0.12, A, True)], 4)
    np.testing.assert_allclose(found, labels(SIL, A, A, SIL), atol=1e-5)


def test_the_utterances_of_a_test_are_joined_with_pauses(tmp_path: Path) -> None:
    spoken = Utterance(np.full(HOP * 5, 1000, np.int16), [Segment(0.0, 0.2, A, True)], "voice")
    store.save(tmp_path / "test" / "some.npz", [spoken, spoken])
    (speech,) = spoken_sets(tmp_path)
    loud = np.abs(speech.samples.reshape(-1, HOP)).max(axis=1) > 0
    np.testing.assert_array_equal(loud, speech.labels[:, A] > 0.9)


def test_an_empty_corpus_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="synthesise"):
        next(iter(spoken_sets(tmp_path)))


def test_a_recording_in_another_form_is_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "wide.wav"), "wb") as file:
        file.setparams((2, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(400))
    with pytest.raises(InputError, match="mono"):
        read(tmp_path / "wide.wav")


def test_the_aligner_times_the_sounds_of_the_sample() -> None:
    sample = json.loads((DATA / "speech.json").read_text(encoding="utf-8"))
    true = [Segment(p["start_s"], p["end_s"], INDEX[p["class"]], False) for p in sample["phonemes"]]
    with wave.open(str(DATA / "speech.wav")) as file:
        raw, rate_hz = file.readframes(file.getnframes()), file.getframerate()
    samples = to_16_khz(np.frombuffer(raw, np.int16), rate_hz)
    found = aligner.align(samples, sample["text"])
    count = len(samples) // HOP
    assert score(perfect(labels_of(found, count)), labels_of(true, count)).group > 0.7


def test_words_that_the_aligner_does_not_know_are_refused() -> None:
    with pytest.raises(InputError, match="cannot align 'xqzt'"):
        aligner.align(np.zeros(16_000, np.int16), "xqzt")


def test_edits_are_counted_for_each_wanted_sound() -> None:
    assert mandarin.error([1, 2, 3], [1, 2, 3]) == 0
    assert mandarin.error([1, 3], [1, 2, 3]) == pytest.approx(1 / 3)
    assert mandarin.error([], [1, 2]) == 1
    assert mandarin.shuffled_error([1, 2, 3, 4], [1, 2, 3, 4]) > 0.3


def test_heard_sounds_are_merged_and_silence_is_none() -> None:
    features = perfect(labels(SIL, A, A, SIL, A, E, M, SIL))
    assert len(mandarin.heard(features)) == 3


def test_the_worst_seconds_are_drawn() -> None:
    wanted = np.concatenate([SENTENCE] * 20)
    features = perfect(wanted)
    features[300:500, : len(PHONES)] = labels(SIL)
    assert 200 < curves.worst_start(features, wanted) < 350
    picture = curves.draw("a test", {"good": perfect(wanted), "bad": features}, wanted)
    assert picture.shape[2] == 3
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 5


def test_graphs_are_named_by_version_or_file() -> None:
    named = names_of([WENET / "2" / "model.onnx", Path("out/held-out.onnx")])
    assert list(named) == ["2", "held-out"]

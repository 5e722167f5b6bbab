"""The committed wenet models: their contract, golden files, and what they hear."""

import json
import wave
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import scipy.signal
from numpy.typing import NDArray
from onnx import numpy_helper

from export.builtin.wenet.labels import soft_labels
from export.builtin.wenet.phones import GROUP_OF, INDEX, LIPS_SHUT, PHONES
from export.builtin.wenet.utterances import Segment
from export.repository import sha256_of

Floats = NDArray[np.float32]

ROOT = Path(__file__).parents[3]
VERSIONS = {"1", "2"}
DATA = ROOT / "tests" / "data"

CONTEXT, CORE = 13_160, 64_000
WINDOW = CORE + 2 * CONTEXT
HOP = 640
VOICING, ENERGY, OPENING, WIDTH, CLOSURE, RESERVED = 28, 29, 30, 31, 33, 34

# How far features may move when a window begins elsewhere, on average over all features and for
# the opening, by version. The attention of version 1 sees the whole window, that of version 2 a
# second of it. Measured on the sample: 0.0024 and 0.0086; 0.00002 and 0.0001.
DRIFT = {"1": (0.006, 0.02), "2": (0.001, 0.003)}


@pytest.fixture(scope="module", params=sorted(VERSIONS))
def folder(request: pytest.FixtureRequest) -> Path:
    return ROOT / "model_repository" / "wenet" / str(request.param)


@pytest.fixture(scope="module")
def drift(folder: Path) -> tuple[float, float]:
    return DRIFT[folder.name]


@pytest.fixture(scope="module")
def session(folder: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(folder / "model.onnx")


@pytest.fixture(scope="module")
def speech() -> Floats:
    """The sample speech at 16 kHz in -1..1."""
    with wave.open(str(DATA / "speech.wav")) as file:
        rate_hz, raw = file.getframerate(), file.readframes(file.getnframes())
    samples = np.frombuffer(raw, "<i2") / 32768
    resampled = scipy.signal.resample_poly(samples, 320, 441)
    assert rate_hz * 320 == 16_000 * 441
    return np.asarray(resampled, np.float32)


def listen(session: onnxruntime.InferenceSession, *windows: Floats) -> Floats:
    features: Floats = session.run(None, {"speech": np.stack(windows)})[0]
    return features


def window_at(speech: Floats, core_start: int) -> Floats:
    """Cuts the window whose core starts at a sample; zeros outside the speech."""
    padded = np.pad(speech, (WINDOW, 2 * WINDOW))
    first = WINDOW + core_start - CONTEXT
    return padded[first : first + WINDOW]


def whole(session: onnxruntime.InferenceSession, speech: Floats, first_core: int = 0) -> Floats:
    """Features of the speech from a sample on, window by window."""
    starts = range(first_core, len(speech), CORE)
    return np.concatenate(listen(session, *(window_at(speech, start) for start in starts)))


def labels_of_sample(count: int) -> Floats:
    rows = json.loads((DATA / "speech.json").read_text(encoding="utf-8"))["phonemes"]
    segments = [Segment(r["start_s"], r["end_s"], INDEX[r["class"]], False) for r in rows]
    first_feature_s = 0.020 - 0.0425  # the first core feature's centre, against output 0's
    return soft_labels(segments, first_feature_s, count)[0]


def test_the_model_keeps_the_contract(session: onnxruntime.InferenceSession) -> None:
    (speech,) = session.get_inputs()
    (features,) = session.get_outputs()
    assert (speech.name, speech.type, speech.shape[1:]) == ("speech", "tensor(float)", [WINDOW])
    assert (features.name, features.type) == ("features", "tensor(float)")
    assert features.shape[1:] == [100, 64]
    assert isinstance(speech.shape[0], str)


def test_the_graph_uses_a_format_that_older_runtimes_read(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    assert model.ir_version <= 9
    assert [entry.version <= 17 for entry in model.opset_import] == [True]
    assert "STFT" not in {node.op_type for node in model.graph.node}


def test_the_model_is_what_its_manifest_says(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["files"] == {"model.onnx": sha256_of(folder / "model.onnx")}
    assert manifest["golden"]["sha256"] == sha256_of(folder / "golden.npz")
    assert manifest["feature_kind"] == "lipsync-v1"
    window = manifest["window"]
    assert (window["left_context"], window["core"], window["right_context"]) == (
        CONTEXT,
        CORE,
        CONTEXT,
    )


def test_the_weight_of_closures_is_told_in_the_manifest() -> None:
    folder = ROOT / "model_repository" / "wenet" / "2"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    graph = onnx.load(folder / "model.onnx").graph
    nodes = [node for node in graph.node if node.op_type == "Constant"]
    constants = [numpy_helper.to_array(node.attribute[0].t) for node in nodes]
    single = [float(value.item()) for value in constants if value.size == 1]
    odds = np.log(manifest["parameters"]["closure_odds"])
    assert np.isclose(single, odds, rtol=1e-6).any()


def test_the_version_folder_stays_small(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 10 * 2**20


def test_the_golden_sample_replays(folder: Path, session: onnxruntime.InferenceSession) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    with np.load(folder / "golden.npz") as golden:
        features = listen(session, *golden["input_speech"])
        expected = golden["output_features"]
    tolerance = manifest["golden"]["tolerance"]["features"]
    np.testing.assert_allclose(features, expected, rtol=0, atol=tolerance)


def test_features_stay_within_their_ranges(
    session: onnxruntime.InferenceSession, speech: Floats
) -> None:
    features = whole(session, speech)
    np.testing.assert_allclose(features[:, : len(PHONES)].sum(axis=1), 1, atol=1e-4)
    ranged = features[:, VOICING:RESERVED].copy()
    ranged[:, WIDTH - VOICING] = np.abs(ranged[:, WIDTH - VOICING])  # in -1..1
    assert ranged.min() >= 0
    assert ranged.max() <= 1
    assert not features[:, RESERVED:].any()


def test_silence_gives_silence_and_a_closed_mouth(session: onnxruntime.InferenceSession) -> None:
    (features,) = listen(session, np.zeros(WINDOW, np.float32))
    assert (features[:, : len(PHONES)].argmax(axis=1) == INDEX["sil"]).all()
    assert not features[:, ENERGY].any()
    assert features[:, OPENING].max() < 0.05
    assert features[:, VOICING].max() < 0.2


def test_a_quiet_room_gives_silence_too(session: onnxruntime.InferenceSession) -> None:
    hiss = np.random.default_rng(0).normal(0, 1e-3, WINDOW).astype(np.float32)
    (features,) = listen(session, hiss)
    assert (features[:, : len(PHONES)].argmax(axis=1) == INDEX["sil"]).mean() > 0.95
    assert features[:, OPENING].max() < 0.12


def test_energy_is_the_level_of_each_forty_milliseconds(
    session: onnxruntime.InferenceSession, speech: Floats
) -> None:
    (features,) = listen(session, window_at(speech, 0))
    power = (speech[:CORE].reshape(100, HOP) ** 2).mean(axis=1)
    level_dbfs = 10 * np.log10(np.maximum(power, 1e-10))
    np.testing.assert_allclose(
        features[:, ENERGY], np.clip((level_dbfs + 60) / 60, 0, 1), atol=1e-4
    )


def test_the_features_say_which_sound_is_spoken(
    session: onnxruntime.InferenceSession, speech: Floats
) -> None:
    features = whole(session, speech)[: len(speech) // HOP]
    labels = labels_of_sample(len(features))
    clear = labels.max(axis=1) > 0.85
    found = GROUP_OF[features[:, : len(PHONES)].argmax(axis=1)]
    right = found == GROUP_OF[labels.argmax(axis=1)]
    assert right[clear].mean() > 0.8


def test_the_features_come_neither_early_nor_late(
    session: onnxruntime.InferenceSession, speech: Floats
) -> None:
    features = whole(session, speech)[: len(speech) // HOP]
    posteriors, labels = features[:, : len(PHONES)], labels_of_sample(len(features))
    agreement = {
        lag: float((np.roll(posteriors, -lag, axis=0) * labels).sum()) for lag in (-1, 0, 1)
    }
    assert max(agreement, key=lambda lag: agreement[lag]) == 0


def test_lips_shut_on_every_m_b_and_p(
    session: onnxruntime.InferenceSession, speech: Floats
) -> None:
    features = whole(session, speech)[: len(speech) // HOP]
    labels = labels_of_sample(len(features))[:, sorted(LIPS_SHUT)].sum(axis=1)
    shut = np.flatnonzero(labels > 0.6)
    events = np.split(shut, np.flatnonzero(np.diff(shut) > 1) + 1)
    assert len(events) > 10
    assert all((features[event, OPENING] < 0.12).any() for event in events)
    assert (features[labels == 0, CLOSURE] > 0.5).mean() < 0.05


def test_a_louder_recording_says_the_same(
    session: onnxruntime.InferenceSession, speech: Floats
) -> None:
    loud, quiet = listen(session, window_at(speech, 0), window_at(speech / np.float32(8), 0))
    assert np.abs(loud[:, OPENING] - quiet[:, OPENING]).mean() < 0.02


def test_a_word_that_comes_one_feature_later_moves_the_features_by_one(
    session: onnxruntime.InferenceSession, speech: Floats, drift: tuple[float, float]
) -> None:
    early, late = listen(session, window_at(speech, HOP), window_at(speech, 0))
    assert np.abs(early[:-1] - late[1:]).mean() < drift[0]
    assert np.abs(early[:-1, OPENING] - late[1:, OPENING]).mean() < drift[1]


def test_it_matters_little_where_windows_begin(
    session: onnxruntime.InferenceSession, speech: Floats, drift: tuple[float, float]
) -> None:
    moved = 43 * HOP  # away from the first cut
    here, there = whole(session, speech)[43:200], whole(session, speech, moved)[:157]
    assert np.abs(here - there).mean() < drift[0]
    assert np.abs(here[:, OPENING] - there[:, OPENING]).mean() < drift[1]


def test_a_batch_gives_what_single_windows_give(
    session: onnxruntime.InferenceSession, speech: Floats
) -> None:
    windows = [window_at(speech, start) for start in (0, 30_000, CORE)]
    together = listen(session, *windows)
    apart = np.concatenate([listen(session, window) for window in windows])
    np.testing.assert_allclose(together, apart, atol=1e-4)

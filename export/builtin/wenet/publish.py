"""Write a trained encoder into the model repository, with its golden sample and manifest."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from client.errors import InputError, OutputError
from export.builtin.wenet import utterances as store
from export.builtin.wenet.model import (
    CLOSURE_ODDS,
    CONTEXT_SAMPLES,
    CORE_FEATURES,
    CORE_SAMPLES,
    FEATURE_WIDTH,
    WINDOW_SAMPLES,
    SpeechEncoder,
)
from export.builtin.wenet.utterances import SAMPLE_RATE_HZ
from export.repository import write_golden, write_manifest

FEATURE_KIND = "lipsync-v1"
_OPSET = 17
_GOLDEN_FILE = "test/espeak-english-0.npz"
_TOLERANCE = 2e-3
_MAX_PARITY_ERROR = 1e-3


def publish(checkpoint: Path, corpus: Path, folder: Path) -> None:
    """Export a checkpoint as ``model.onnx`` with ``golden.npz`` and ``manifest.json`` beside it.

    Args:
        checkpoint: state dict of a `SpeechEncoder`.
        corpus: folder of the synthesised speech; the golden sample is taken from it.
        folder: version folder, for example ``model_repository/wenet/2``.

    Raises:
        InputError: the checkpoint does not fit the network, or the corpus has no test speech.
        OutputError: the exported graph gives other numbers than the network.
    """
    model = load_encoder(checkpoint)
    speech = _golden_speech(corpus)
    path = folder / "model.onnx"
    folder.mkdir(parents=True, exist_ok=True)
    export_onnx(model, path)
    features = run_onnx(path, speech)
    _check_parity(model, speech, features)
    golden = write_golden(
        folder, {"speech": speech}, {"features": features}, {"features": _TOLERANCE}
    )
    write_manifest(
        folder,
        source="trained by this project on speech made with espeak-ng, Festival and Flite",
        licence="Apache-2.0",
        recipe="python -m export.builtin.wenet synthesise && "
        "python -m export.builtin.wenet train && python -m export.builtin.wenet export",
        golden=golden,
        feature_kind=FEATURE_KIND,
        parameters={"closure_odds": CLOSURE_ODDS},
        window={
            "sample_rate": SAMPLE_RATE_HZ,
            "left_context": CONTEXT_SAMPLES,
            "core": CORE_SAMPLES,
            "right_context": CONTEXT_SAMPLES,
        },
    )


def load_encoder(checkpoint: Path) -> SpeechEncoder:
    """Load a state dict into an encoder that is ready for inference.

    Raises:
        InputError: the file is missing or does not fit.
    """
    model = SpeechEncoder()
    try:
        model.load_state_dict(torch.load(checkpoint, weights_only=True))
    except (OSError, RuntimeError) as error:
        raise InputError(f"{checkpoint} holds no speech encoder; run `train` first.") from error
    model.eval()
    return model


def export_onnx(model: SpeechEncoder, path: Path) -> None:
    """Write a graph whose initializers keep the names of the state dict.

    That is why constants are not folded and normalisation is not merged into convolutions:
    runtimes do both on loading.
    """
    torch.onnx.export(
        model,
        (torch.zeros(2, WINDOW_SAMPLES),),
        path,
        input_names=["speech"],
        output_names=["features"],
        dynamic_axes={"speech": {0: "batch"}, "features": {0: "batch"}},
        opset_version=_OPSET,
        do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE,
        dynamo=False,
    )
    _declare_shape(path)


def _declare_shape(path: Path) -> None:
    """State the output's shape, which the exporter leaves open behind its reshapes."""
    graph = onnx.load(path)
    dimensions = graph.graph.output[0].type.tensor_type.shape.dim
    for dimension, size in zip(dimensions[1:], (CORE_FEATURES, FEATURE_WIDTH), strict=True):
        dimension.dim_value = size
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, path)


def run_onnx(path: Path, speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run windows [B, 90320] through an exported graph on the CPU: [B, 100, 64]."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["features"], {"speech": speech})[0])


def _golden_speech(corpus: Path) -> NDArray[np.float32]:
    path = corpus / _GOLDEN_FILE
    if not path.exists():
        raise InputError(f"{path} is missing; run `synthesise` first.")
    longest = max(store.load(path), key=lambda utterance: len(utterance.samples))
    room = WINDOW_SAMPLES - CONTEXT_SAMPLES
    spoken = np.asarray(longest.samples[:room] / 32768, np.float32)
    return np.pad(spoken, (CONTEXT_SAMPLES, room - len(spoken)))[np.newaxis]


def _check_parity(
    model: SpeechEncoder, speech: NDArray[np.float32], features: NDArray[np.float32]
) -> None:
    with torch.no_grad():
        expected = model(torch.from_numpy(speech)).numpy()
    error = float(np.abs(expected - features).max())
    if error > _MAX_PARITY_ERROR:
        raise OutputError(
            f"The exported graph differs from the network by {error:.1e}; check the exporter."
        )

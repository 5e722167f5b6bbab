"""The networks inside users' own weights give the published numbers through a real tritonserver.

Their weights are made from their names, so that the outputs of the original code are known.
"""

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from client.connection import Connection
from client.model import ServedModel
from client.tensors import TensorSpec
from export.checkpoint import Checkpoint
from export.families import family
from orchestrator.server.embedded import EmbeddedServer
from tests.integration.toy_models import write_file
from tests.unit.export.golden_dinet import dinet_checkpoint, dinet_v1_checkpoint
from tests.unit.export.golden_wav2lip import wav2lip_checkpoint
from tests.unit.export.golden_wenet import golden, recipe, wenet_checkpoint

pytest.importorskip("torch", reason="torch is not installed")

from export.families.wenet.encoder import read_encoder
from export.families.wenet.settings import read_settings
from export.torch_network import TorchNetwork

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]

Array = NDArray[np.float32]
LIMIT = 1e-4
MANY = 5
STALL_S = 300.0


@dataclass(frozen=True)
class Case:
    """One network.

    Attributes:
        family: Its name.
        checkpoint: Writes a checkpoint as training saves it.
        inputs: Makes the inputs of the original code, in its order, [B, …].
        output: What it gave, [b, …], b ≤ B.
        thinned: Takes of an answer what is published.
        network: Makes the network of a checkpoint, for these inputs.
    """

    family: str
    checkpoint: Callable[[Path], Path]
    inputs: Callable[[Any], list[Array]]
    output: Callable[[], Array]
    thinned: Callable[[Array], Array] = lambda answer: answer
    network: Callable[[Checkpoint], Any] | None = None

    def core(self, checkpoint: Checkpoint) -> Any:
        """The network of a checkpoint, and its tensors."""
        module, _, name = family(self.family).builder.partition(":")
        built = getattr(importlib.import_module(module), name)(checkpoint, {}).core
        network = self.network(checkpoint) if self.network else built.module
        return network, built.inputs, built.outputs


def _dinet_inputs(make: Any) -> list[Array]:
    source = make.smooth_image("source", (1, 3, 416, 320))
    source[:, :, 128:384, 32:288] = 0
    return [
        source,
        make.smooth_image("ref", (1, 15, 416, 320)),
        make.normal_input("audio", (1, 29, 5)),
    ]


def _dinet_v1_inputs(make: Any) -> list[Array]:
    source = make.smooth_image("source", (2, 3, 256, 256))
    source[:, :, 86:252, 37:218] = 0
    reference = make.smooth_image("ref", (2, 3, 256, 256))
    return [source, reference, make.normal_input("audio", (2, 256, 20), 0.2)]


def _wav2lip_inputs(make: Any) -> list[Array]:
    face = make.smooth_image("face", (2, 3, 96, 96))
    masked = face.copy()
    masked[:, :, 48:] = 0
    return [make.normal_input("mel", (2, 1, 80, 16), 2.0), np.concatenate((masked, face), 1)]


def _wenet(blocks: int) -> Case:
    return Case(
        "wenet",
        lambda folder: wenet_checkpoint(folder / "wenetmodel.pt", blocks),
        lambda make: [make.normal_input("feats", (1, 203, 80))],
        lambda: golden(f"A_wenet/golden_conformer_{blocks}.npz")["output"],
        network=lambda checkpoint: read_encoder(checkpoint, read_settings({})).core(frames=50),
    )


CASES = {
    "wenet-2": _wenet(2),
    "wenet-12": _wenet(12),
    "dinet-v1": Case(
        "dinet-v1",
        lambda folder: dinet_v1_checkpoint(folder / "dinet_v1.pth"),
        _dinet_v1_inputs,
        lambda: golden("C_heygem_dinetv1/golden_heygem_dinetv1.npz")["output_full_b0"],
    ),
    "dinet": Case(
        "dinet",
        lambda folder: dinet_checkpoint(folder / "clip_training_DINet_256mouth.pth"),
        _dinet_inputs,
        lambda: golden("D_dinet_mrzzm/golden_dinet_mrzzm.npz")["output_stride2"],
        lambda answer: answer[:, :, ::2, ::2],
    ),
    "wav2lip": Case(
        "wav2lip",
        lambda folder: wav2lip_checkpoint(folder / "wav2lip.pth"),
        _wav2lip_inputs,
        lambda: golden("E_wav2lip/golden_wav2lip.npz")["output"],
    ),
}


def _core(case: Case, folder: Path, inputs: list[Array]) -> Path:
    """The float network of a checkpoint as an ONNX file for inputs of these shapes."""
    network, takes, gives = case.core(Checkpoint.open(case.checkpoint(folder)))
    specs = [
        TensorSpec(spec.name, spec.datatype, array.shape[1:])
        for spec, array in zip(takes, inputs, strict=True)
    ]
    outputs = [TensorSpec(spec.name, spec.datatype, _shape(case)) for spec in gives]
    core = TorchNetwork(network, specs, outputs)
    path = folder / "core.onnx"
    twice = [np.repeat(array[:1], 2, 0) for array in inputs]
    core.write_onnx(path, {s.name: a for s, a in zip(specs, twice, strict=True)})
    return path


def _shape(case: Case) -> tuple[int, ...]:
    whole = {"dinet": (3, 416, 320)}
    return whole.get(case.family, case.output().shape[1:])


@pytest.mark.parametrize("name", CASES)
async def test_the_core_gives_the_published_numbers(name: str, repository: Path) -> None:
    case, folder = CASES[name], repository.parent
    inputs, expected = case.inputs(recipe()), case.output()
    write_file(repository, "core", _core(case, folder, inputs))

    async with (
        await EmbeddedServer.start(repository) as server,
        Connection(server.url) as connection,
    ):
        model = await ServedModel.open(connection, "core", stall_s=STALL_S)
        names = list(model.inputs)

        async def answers(rows: list[int]) -> Array:
            batch = {n: a[rows] for n, a in zip(names, inputs, strict=True)}
            (answer,) = (await model(**batch)).values()
            return case.thinned(np.asarray(answer, np.float32))

        known = range(len(expected))
        alone = np.concatenate([await answers([row]) for row in known])
        rows = [row % len(expected) for row in range(MANY)]
        together = await answers(rows)
        at_once = np.concatenate(await asyncio.gather(*(answers([row]) for row in rows)))

    assert np.abs(alone - expected).max() <= LIMIT
    assert np.abs(together - expected[rows]).max() <= LIMIT
    assert np.abs(at_once - expected[rows]).max() <= LIMIT

"""Every shipped model gives its golden numbers when it is served."""

import json

import numpy as np
import pytest

from client.connection import Connection
from client.model import ServedModel
from client.tensors import Array
from orchestrator.server.models import choose_models
from orchestrator.server.runtime import CHECKOUT

pytestmark = pytest.mark.server

REPOSITORY = CHECKOUT / "model_repository"


def golden(model: ServedModel) -> tuple[dict[str, Array], dict[str, Array], dict[str, float]]:
    """Returns inputs, outputs and the allowed differences of a model version."""
    folder = REPOSITORY / model.name / model.version
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    with np.load(folder / manifest["golden"]["file"]) as arrays:
        inputs = {name: arrays[f"input_{name}"] for name in model.inputs}
        outputs = {name: arrays[f"output_{name}"] for name in model.outputs}
    return inputs, outputs, manifest["golden"]["tolerance"]


@pytest.mark.parametrize("name", choose_models(REPOSITORY))
async def test_a_served_model_gives_its_golden_numbers(triton_url: str, name: str) -> None:
    async with Connection(triton_url) as connection:
        model = await ServedModel.open(connection, name)
        inputs, expected, tolerance = golden(model)
        outputs = await model(**inputs)
    for output, array in expected.items():
        difference = np.abs(outputs[output].astype(np.float64) - array.astype(np.float64)).max()
        assert difference <= tolerance[output], output


@pytest.mark.parametrize("name", choose_models(REPOSITORY))
async def test_a_full_batch_gives_what_its_items_give_alone(triton_url: str, name: str) -> None:
    async with Connection(triton_url) as connection:
        model = await ServedModel.open(connection, name)
        inputs, _, tolerance = golden(model)
        single = await model(**{key: array[:1] for key, array in inputs.items()})
        size = model.max_batch_size
        full = await model(**{key: np.repeat(a[:1], size, 0) for key, a in inputs.items()})
    for output, array in full.items():
        assert len(array) == size
        difference = np.abs(array.astype(np.float64) - single[output].astype(np.float64)).max()
        assert difference <= tolerance[output], output

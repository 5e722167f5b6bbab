"""Configurations that leave out what the model file says."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from onnx import helper
from tritonclient.utils import InferenceServerException

from client.connection import Connection
from client.model import ServedModel
from orchestrator.server.embedded import EmbeddedServer
from tests.integration.loading import Loaded, loaded
from tests.integration.onnx_toys import ECHO, Graph
from tests.integration.toy_models import write_echo

pytestmark = [pytest.mark.server, pytest.mark.asyncio(loop_scope="module")]

BARE: dict[str, Any] = {
    "backend": "onnxruntime",
    "instance_group": [{"count": 1, "kind": "KIND_CPU"}],
}
LENGTHS = Graph(
    nodes=[helper.make_node("Neg", ["x"], ["y"])], inputs={"x": ["N"]}, outputs={"y": ["N"]}
)
FIXED = replace(ECHO, inputs={"x": [2, 4]}, outputs={"y": [2, 4]})
NUMBER = Graph(
    nodes=[helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)],
    inputs={"x": ["N", 4]},
    outputs={"y": []},
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asking_server(
    server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[EmbeddedServer]:
    """Unlike `server`, one that has a model of an incomplete configuration from the start."""
    repository = tmp_path_factory.mktemp("asking")
    config = write_echo(repository) / "config.pbtxt"
    lines = config.read_text(encoding="utf-8").splitlines()
    bare = [line for line in lines if not line.startswith(("input", "output"))]
    config.write_text("\n".join(bare), encoding="utf-8")
    async with await EmbeddedServer.start(repository) as running:
        yield running


async def test_a_model_is_started_without_its_tensors_declared(
    asking_server: EmbeddedServer,
) -> None:
    async with Connection(asking_server.url) as connection:
        echo = await ServedModel.open(connection, "echo")
        x = np.ones((2, 4), np.float32)
        np.testing.assert_array_equal((await echo(x=x))["y"], x)


async def config_of(model: Loaded) -> dict[str, Any]:
    reply = await model.client.get_model_config(model.name, as_json=True)
    return dict(reply["config"])


async def test_inputs_outputs_batch_and_batching_are_filled_in(
    asking_server: EmbeddedServer,
) -> None:
    async with loaded(asking_server.url, ECHO, BARE) as model:
        config = await config_of(model)
        x = np.ones((4, 4), np.float32)
        np.testing.assert_array_equal((await model(x=x))["y"], x)
    assert config["max_batch_size"] == 4
    assert "dynamic_batching" in config
    assert config["input"] == [{"name": "x", "data_type": "TYPE_FP32", "dims": ["4"]}]
    assert config["output"] == [{"name": "y", "data_type": "TYPE_FP32", "dims": ["4"]}]


async def test_what_is_given_is_left_as_it_is(asking_server: EmbeddedServer) -> None:
    delay = {"max_queue_delay_microseconds": 7}
    given = BARE | {"max_batch_size": 3, "dynamic_batching": delay}
    given["output"] = ECHO.config()["output"]
    async with loaded(asking_server.url, ECHO, given) as model:
        config = await config_of(model)
    assert config["max_batch_size"] == 3
    assert config["dynamic_batching"]["max_queue_delay_microseconds"] == "7"
    assert [entry["name"] for entry in config["input"] + config["output"]] == ["x", "y"]


async def test_a_whole_configuration_gets_no_batching(asking_server: EmbeddedServer) -> None:
    async with loaded(asking_server.url, ECHO, ECHO.config()) as model:
        assert "dynamic_batching" not in await config_of(model)


async def test_a_column_of_numbers_gets_an_axis_for_triton_alone(
    asking_server: EmbeddedServer,
) -> None:
    async with loaded(asking_server.url, LENGTHS, BARE) as model:
        x = np.array([[1], [2]], np.float32)
        np.testing.assert_array_equal((await model(x=x))["y"], -x)


@pytest.mark.parametrize("graph", [FIXED, NUMBER], ids=["fixed first axis", "single number"])
async def test_a_model_that_cannot_batch_gets_whole_shapes(
    asking_server: EmbeddedServer, graph: Graph
) -> None:
    async with loaded(asking_server.url, graph, BARE) as model:
        config = await config_of(model)
        answer = await model(x=np.ones((2, 4), np.float32))
    assert "max_batch_size" not in config
    assert "dynamic_batching" not in config
    assert answer["y"].sum() == 8


async def test_a_batch_of_a_model_that_cannot_batch_is_refused(
    asking_server: EmbeddedServer,
) -> None:
    with pytest.raises(InferenceServerException, match="has no dynamic batch axis; export it"):
        async with loaded(asking_server.url, FIXED, BARE | {"max_batch_size": 2}):
            pass


@pytest.mark.parametrize("name", ["parts/encoder.onnx", "encoder.onnx"])
async def test_the_named_model_file_is_the_one_that_is_read(
    asking_server: EmbeddedServer, name: str
) -> None:
    config = BARE | {"default_model_filename": name}
    files = {f"1/{name}": ECHO.file()}
    async with loaded(asking_server.url, ECHO, config, files) as model:
        assert (await config_of(model))["input"][0]["name"] == "x"


async def test_a_missing_model_file_is_named(asking_server: EmbeddedServer) -> None:
    with pytest.raises(InferenceServerException, match=r"1/model\.onnx is missing"):
        async with loaded(asking_server.url, ECHO, BARE, {"1/other.onnx": b""}):
            pass

"""Models that cannot be served as configured: the server says why, at load."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from onnx import helper
from tritonclient.utils import InferenceServerException

from orchestrator.server.embedded import EmbeddedServer
from tests.integration.loading import loaded
from tests.integration.onnx_toys import ECHO, Graph, parameters

pytestmark = pytest.mark.server

CONFIG = ECHO.config()
FIXED = replace(ECHO, inputs={"x": [2, 4]}, outputs={"y": [2, 4]})
OPEN = replace(ECHO, inputs={"x": ["N", "W"]}, outputs={"y": ["N", "W"]})
NUMBER = Graph(
    nodes=[helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)],
    inputs={"x": ["N", 4]},
    outputs={"y": []},
)
SUM = Graph(
    nodes=[helper.make_node("Add", ["x", "z"], ["y"])],
    inputs={"x": ["N", 4], "z": ["N", 4]},
    outputs={"y": ["N", 4]},
)
DOUBLED = Graph(
    nodes=[helper.make_node("Mul", ["x", "scale"], ["y"])],
    inputs={"x": ["N", 4]},
    outputs={"y": ["N", 4]},
    constants={"scale": np.array([2], np.float32)},
    defaults=["scale"],
)
CUSTOM = replace(ECHO, nodes=[helper.make_node("Unknown", ["x"], ["y"], domain="toy")])


def entry(key: str, **changes: Any) -> dict[str, Any]:
    """The configuration with another first input or output."""
    return {key: [CONFIG[key][0] | changes]}


def accelerators(kind: str, name: str) -> dict[str, Any]:
    entries = {f"{kind}_execution_accelerator": [{"name": name}]}
    return {"optimization": {"execution_accelerators": entries}}


def with_input(name: str, **more: Any) -> dict[str, Any]:
    added = {"name": name, "data_type": "TYPE_FP32", "dims": [1], **more}
    return {"input": [*CONFIG["input"], added]}


async def refused(
    server: EmbeddedServer,
    graph: Graph | bytes,
    change: Mapping[str, Any],
    files: Mapping[str, bytes] | None = None,
) -> str:
    """Returns what the server says of a model that it does not load."""
    with pytest.raises(InferenceServerException) as caught:
        async with loaded(server.url, graph, {**CONFIG, **change}, files):
            pass
    return str(caught.value)


@pytest.mark.parametrize(
    ("graph", "change", "reason"),
    [
        (ECHO, entry("input", name="w"), "needs inputs that config.pbtxt does not declare (x)"),
        (ECHO, with_input("w"), "config.pbtxt declares input w, but model.onnx has only x"),
        (SUM, {}, "needs inputs that config.pbtxt does not declare (z)"),
        (ECHO, entry("output", name="z"), "declares output z, but model.onnx has only y"),
        (ECHO, entry("input", data_type="TYPE_INT32"), "input x is TYPE_INT32 in config.pbtxt"),
        (ECHO, entry("output", data_type="TYPE_FP64"), "output y is TYPE_FP64 in config.pbtxt"),
        (ECHO, entry("input", dims=[5]), "input x has dims [5] in config.pbtxt but [4]"),
        (ECHO, entry("input", dims=[-1]), "input x has dims [-1] in config.pbtxt but [4]"),
        (ECHO, entry("input", dims=[4, 1]), "input x has dims [4, 1] in config.pbtxt but [4]"),
        (ECHO, entry("output", dims=[-1]), "output y has dims [-1] in config.pbtxt but [4]"),
        (OPEN, {}, "output y has dims [4] in config.pbtxt but [-1]"),
        (FIXED, {}, "input x has no dynamic batch axis in model.onnx ([2, 4])"),
        (ECHO, {"max_batch_size": 0}, "input x has dims [4] in config.pbtxt but [-1, 4]"),
        (NUMBER, entry("output", dims=[2]), "output y is a single number in model.onnx"),
        (DOUBLED, with_input("scale", optional=True), "needs max_batch_size: 0"),
        (DOUBLED, with_input("scale"), "input scale has a value of its own in model.onnx"),
        (ECHO, entry("input", allow_ragged_batch=True), "allow_ragged_batch is set for x"),
    ],
    ids=lambda value: "" if isinstance(value, Graph | dict) else value,
)
async def test_a_model_that_does_not_fit_its_configuration_is_refused(
    server: EmbeddedServer, graph: Graph, change: Mapping[str, Any], reason: str
) -> None:
    assert reason in await refused(server, graph, change)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (parameters(execution_mode="2"), "execution_mode is 2 in config.pbtxt; it can be 0, 1"),
        (parameters(intra_op_thread_count="all"), "intra_op_thread_count is 'all'"),
        (parameters(inter_op_thread_count="all"), "inter_op_thread_count is 'all'"),
        (parameters(enable_mem_arena="some"), "enable_mem_arena is 'some'"),
        (parameters(enable_mem_pattern="some"), "enable_mem_pattern is 'some'"),
        (accelerators("cpu", "fast"), "the cpu_execution_accelerator 'fast' of config.pbtxt"),
        ({"default_model_filename": "../model.onnx"}, "default_model_filename is '../model.onnx'"),
        ({"model_operations": {"op_library_filename": ["no.so"]}}, "op_library_filename names"),
    ],
)
async def test_a_setting_that_cannot_be_is_refused(
    server: EmbeddedServer, change: Mapping[str, Any], reason: str
) -> None:
    assert reason in await refused(server, ECHO, change)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"garbage", "1/model.onnx does not load in ONNX Runtime"),
        (b"", "1/model.onnx does not load in ONNX Runtime"),
        (replace(ECHO, opset=99), "Opset 99 is under development"),
        (replace(ECHO, ir_version=99), "Unsupported model IR version: 99"),
        (CUSTOM, "Unknown"),
    ],
    ids=["garbage", "empty", "opset", "IR version", "unknown operator"],
)
async def test_a_file_that_onnx_runtime_cannot_load_is_refused(
    server: EmbeddedServer, content: Graph | bytes, reason: str
) -> None:
    assert reason in await refused(server, content, {})


async def test_a_model_without_a_file_is_refused(server: EmbeddedServer) -> None:
    said = await refused(server, ECHO, {}, {"1/other.onnx": ECHO.file()})
    assert "1/model.onnx is missing; export the model" in said


async def test_a_library_of_operators_that_is_none_is_refused(server: EmbeddedServer) -> None:
    change = {"model_operations": {"op_library_filename": ["libops.so"]}}
    files = {"1/model.onnx": ECHO.file(), "1/libops.so": b"text"}
    said = await refused(server, ECHO, change, files)
    assert "the op library libops.so of config.pbtxt does not load" in said
    assert "file too short" in said or "invalid ELF header" in said

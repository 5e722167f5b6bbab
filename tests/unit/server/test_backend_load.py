"""What the backend reads from a configuration, and what it refuses at load."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import onnxruntime as ort
import pytest

from backends.onnxruntime.session import open_session, session_options
from backends.onnxruntime.signature import check_signature
from backends.shared.config import ModelConfig, Tensor

CONFIG = ModelConfig(
    name="toy",
    max_batch_size=8,
    file_name="model.onnx",
    inputs=(Tensor("x", "TYPE_FP32", (3, -1)),),
    outputs=(Tensor("y", "TYPE_UINT8", (2,)),),
    instances=1,
    graph_level=0,
    parameters={},
)


@dataclass
class Node:
    name: str
    type: str
    shape: Sequence[int | str | None]


X = Node("x", "tensor(float)", ["N", 3, "length"])
Y = Node("y", "tensor(uint8)", [None, 2])


def test_triton_s_json_is_read_with_its_defaults() -> None:
    text = json.dumps(
        {
            "name": "toy",
            "max_batch_size": 8,
            "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": ["3", -1]}],
            "output": [{"name": "y", "data_type": "TYPE_UINT8", "dims": [2]}],
        }
    )
    assert ModelConfig.parse(text) == CONFIG


def test_triton_s_json_is_read_with_everything_that_the_backend_acts_on() -> None:
    tensor = {"name": "x", "data_type": "TYPE_FP32", "dims": [1], "reshape": {"shape": []}}
    text = json.dumps(
        {
            "name": "toy",
            "default_model_filename": "encoder.onnx",
            "input": [tensor],
            "instance_group": [{"count": 2}, {"count": 1}],
            "optimization": {"graph": {"level": -1}},
            "parameters": {"execution_mode": {"string_value": "1"}},
        }
    )
    config = ModelConfig.parse(text)
    assert config.file_name == "encoder.onnx"
    assert config.inputs[0].dims == ()
    assert config.instances == 3
    assert config.graph_level == -1
    assert config.parameters == {"execution_mode": "1"}


def test_a_model_that_fits_its_configuration_is_accepted() -> None:
    check_signature(CONFIG, [X], [Y])


def test_outputs_that_the_configuration_leaves_out_are_accepted() -> None:
    check_signature(CONFIG, [X], [Y, Node("debug", "tensor(float)", [1])])


@pytest.mark.parametrize(
    ("inputs", "outputs", "sentence"),
    [
        ([X, Node("z", "tensor(float)", ["N"])], [Y], r"needs inputs .* not declare \(z\)"),
        ([], [Y], "declares input x, but"),
        ([X], [], "declares output y, but"),
        ([replace(X, type="tensor(double)")], [Y], r"input x is TYPE_FP32 .* tensor\(double\)"),
        ([replace(X, shape=[4, 3, 5])], [Y], r"input x has no dynamic batch axis .*\[4, 3, 5\]"),
        ([replace(X, shape=["N", 3, 5])], [Y], r"input x has dims \[3, -1\] .* \[3, 5\]"),
        ([replace(X, shape=["N", 3])], [Y], r"input x has dims \[3, -1\] .* \[3\]"),
        ([X], [replace(Y, shape=["N", 4])], r"output y has dims \[2\] .* \[4\]"),
        ([X], [replace(Y, shape=[])], "output y has no dynamic batch axis"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(
    inputs: list[Node], outputs: list[Node], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_signature(CONFIG, inputs, outputs)


def test_a_configuration_without_a_batch_axis_is_refused() -> None:
    with pytest.raises(ValueError, match="max_batch_size is 0"):
        check_signature(replace(CONFIG, max_batch_size=0), [X], [Y])


def test_instances_share_the_cores() -> None:
    assert session_options(replace(CONFIG, instances=2), cores=8).intra_op_num_threads == 4
    assert session_options(replace(CONFIG, instances=9), cores=8).intra_op_num_threads == 1


def test_parameters_and_graph_level_reach_the_session() -> None:
    parameters = {"execution_mode": "1", "intra_op_thread_count": "3", "inter_op_thread_count": "2"}
    parameters |= {"enable_mem_arena": "0", "enable_mem_pattern": "0"}
    options = session_options(replace(CONFIG, graph_level=2, parameters=parameters), cores=8)
    assert options.execution_mode == ort.ExecutionMode.ORT_PARALLEL
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 2)
    assert (options.enable_cpu_mem_arena, options.enable_mem_pattern) == (False, False)
    assert options.graph_optimization_level == ort.GraphOptimizationLevel.ORT_DISABLE_ALL


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"graph_level": 7}, "optimization.graph.level is 7 in config.pbtxt; it can be 0, -1, 1"),
        ({"parameters": {"execution_mode": "2"}}, "execution_mode is 2 in config.pbtxt"),
        ({"parameters": {"intra_op_thread_count": "all"}}, "intra_op_thread_count is 'all'"),
    ],
)
def test_a_setting_that_onnx_runtime_does_not_know_is_refused(
    change: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        session_options(replace(CONFIG, **change), cores=1)  # type: ignore[arg-type]


def test_a_missing_model_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"1/model\.onnx is missing; export the model"):
        open_session(tmp_path / "1" / "model.onnx", CONFIG, kind="CPU", device_id=0, cores=1)

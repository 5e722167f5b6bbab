"""What the backends read from a configuration, and what they do not serve."""

import json
from typing import Any

import pytest

from backends.onnxruntime.limits import check_limits
from backends.shared.config import Accelerator, ModelConfig
from tests.unit.server.toy_config import CONFIG, JSON


def parsed(**changes: Any) -> ModelConfig:
    return ModelConfig.parse(json.dumps(JSON | changes))


def tensor(**changes: Any) -> list[dict[str, Any]]:
    return [JSON["input"][0] | changes]


def test_triton_s_json_is_read_with_its_defaults() -> None:
    assert parsed() == CONFIG


def test_a_tensor_is_read_with_its_reshape_and_whether_requests_may_leave_it_out() -> None:
    (x,) = parsed(input=tensor(dims=[1], reshape={"shape": []}, optional=True)).inputs
    assert x.dims == ()
    assert x.optional


def test_file_graph_level_parameters_and_libraries_are_read() -> None:
    config = parsed(
        default_model_filename="encoder.onnx",
        optimization={"graph": {"level": -1}},
        parameters={"execution_mode": {"string_value": "1"}, "empty": {}},
        model_operations={"op_library_filename": ["libops.so"]},
    )
    assert config.file_name == "encoder.onnx"
    assert config.graph_level == -1
    assert config.parameters == {"execution_mode": "1", "empty": ""}
    assert config.op_libraries == ("libops.so",)


def test_instances_are_counted_on_every_gpu_of_a_group() -> None:
    groups = [{"count": 2}, {"count": 1}, {"count": 2, "gpus": [0, 1]}]
    assert parsed(instance_group=groups).instances == 7


def test_accelerators_are_read_in_their_order() -> None:
    gpu = [{"name": "tensorrt", "parameters": {"precision_mode": "FP16"}}, {"name": "cuda"}]
    config = parsed(
        optimization={
            "execution_accelerators": {
                "gpu_execution_accelerator": gpu,
                "cpu_execution_accelerator": [{"name": "openvino"}],
            }
        }
    )
    tensorrt = Accelerator("tensorrt", {"precision_mode": "FP16"})
    assert config.gpu_accelerators == (tensorrt, Accelerator("cuda"))
    assert config.cpu_accelerators == (Accelerator("openvino"),)


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"input": tensor(allow_ragged_batch=True)}, "CPU", "allow_ragged_batch is set for x"),
        ({"batch_input": [{"kind": "BATCH_ELEMENT_COUNT"}]}, "CPU", "batch_input in config.pbtxt"),
        ({"batch_output": [{"target_name": ["y"]}]}, "CPU", "batch_output in config.pbtxt"),
        ({"sequence_batching": {"max_sequence_idle_microseconds": 1}}, "CPU", "sequence_batching"),
        ({"cc_model_filenames": {"7.5": "turing.onnx"}}, "GPU", "cc_model_filenames"),
    ],
)
def test_what_only_the_native_backend_serves_is_refused(
    change: dict[str, Any], kind: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_limits(parsed(**change), kind)


def test_fields_that_triton_writes_without_a_value_are_not_refused() -> None:
    empty: dict[str, Any] = {"batch_input": [], "batch_output": [], "cc_model_filenames": {}}
    check_limits(parsed(**empty), "GPU")
    check_limits(parsed(cc_model_filenames={"7.5": "turing.onnx"}), "CPU")

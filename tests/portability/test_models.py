"""Every model gives the same numbers in the oldest ONNX Runtime that may serve it and in ours.

The oldest is that of NVIDIA's container 24.10. How far outputs may lie apart is a rule for all
models here, whatever a manifest allows.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tests.integration.toy_models import IR_VERSION, OPSET
from tests.portability.runtimes import CASES, Answers, Arrays, Case, config_of

OLDEST = "1.19.2"
LARGEST_DIFFERENCE = {"f": 1e-4, "u": 1, "i": 0}  # by kind of number; uint8 is a level of a pixel
ONNX_TYPES = {"TYPE_FP32": "float", "TYPE_UINT8": "uint8", "TYPE_INT32": "int32"}

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def assert_alike(found: Arrays, expected: Arrays) -> None:
    assert found.keys() == expected.keys()
    for name, array in found.items():
        other = expected[name]
        assert (array.dtype, array.shape) == (other.dtype, other.shape), name
        difference = np.abs(array.astype(np.float64) - other.astype(np.float64)).max()
        assert difference <= LARGEST_DIFFERENCE[array.dtype.kind], name


def test_the_models_run_in_the_runtimes_that_are_meant(oldest: Answers, current: Answers) -> None:
    assert {answer.told["runtime"] for answer in oldest.values()} == {OLDEST}
    assert OLDEST not in {answer.told["runtime"] for answer in current.values()}


def test_every_version_is_tried_alone_and_in_a_full_batch() -> None:
    assert {case.folder.parent.name for case in CASES} >= {"face_detection", "wenet"}
    assert {case.rows > 1 for case in CASES} == {True, False}


@each_case
def test_the_oldest_runtime_gives_the_golden_numbers(case: Case, oldest: Answers) -> None:
    answer = oldest[case.name]
    assert "error" not in answer.told
    assert_alike(answer.outputs, case.golden("output"))


@each_case
def test_the_current_runtime_gives_the_golden_numbers(case: Case, current: Answers) -> None:
    answer = current[case.name]
    assert "error" not in answer.told
    assert_alike(answer.outputs, case.golden("output"))


@each_case
def test_both_runtimes_agree(case: Case, oldest: Answers, current: Answers) -> None:
    assert_alike(oldest[case.name].outputs, current[case.name].outputs)


@each_case
def test_a_session_of_the_oldest_runtime_has_what_the_configuration_declares(
    case: Case, oldest: Answers
) -> None:
    config, told = config_of(case.folder), oldest[case.name].told
    for tensors, nodes in ((config.input, told["inputs"]), (config.output, told["outputs"])):
        declared = {t.name: (_onnx_type(t), list(t.dims)) for t in tensors}
        assert {name: (kind, shape[1:]) for name, kind, shape in nodes} == declared
        assert not any(isinstance(shape[0], int) for _, _, shape in nodes), "the batch is free"


def _onnx_type(tensor: Any) -> str:
    name = type(tensor).DESCRIPTOR.fields_by_name["data_type"].enum_type.values[tensor.data_type]
    return f"tensor({ONNX_TYPES[name.name]})"


Attempt = Callable[[Path, Arrays], dict[str, Any]]


@pytest.mark.parametrize(
    ("opset", "ir_version", "reason"),
    [(22, IR_VERSION, "is till opset 21"), (OPSET, 11, "max supported IR version: 10")],
)
def test_a_model_that_is_too_new_is_refused_by_the_oldest_runtime(
    tmp_path: Path, attempt: Attempt, opset: int, ir_version: int, reason: str
) -> None:
    told = attempt(_toy(tmp_path, opset, ir_version), {"x": np.ones((1, 2), np.float32)})
    assert reason in told["error"]


def test_a_model_within_the_limits_is_not(tmp_path: Path, attempt: Attempt) -> None:
    told = attempt(_toy(tmp_path, OPSET, IR_VERSION), {"x": np.ones((1, 2), np.float32)})
    assert told["outputs"] == [["y", "tensor(float)", ["N", 2]]]


@pytest.mark.parametrize(
    ("array", "other"),
    [
        (np.zeros(2, np.float32), np.full(2, 2e-4, np.float32)),
        (np.zeros(2, np.uint8), np.full(2, 2, np.uint8)),
        (np.zeros(2, np.int32), np.ones(2, np.int32)),
        (np.zeros(2, np.float32), np.array([0, np.nan], np.float32)),
        (np.zeros(2, np.float32), np.zeros(2, np.float64)),
        (np.zeros(2, np.float32), np.zeros(3, np.float32)),
    ],
)
def test_outputs_that_are_not_alike_are_told_apart(
    array: NDArray[Any], other: NDArray[Any]
) -> None:
    with pytest.raises(AssertionError, match="y"):
        assert_alike({"y": array}, {"y": other})


def _toy(folder: Path, opset: int, ir_version: int) -> Path:
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 2]) for n in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])], "toy", values[:1], values[1:]
    )
    opsets = [helper.make_opsetid("", opset)]
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=ir_version), path)
    return path

"""What a TorchScript model and its configuration must agree on at load."""

import json
from dataclasses import replace
from typing import Any

import pytest

from backends.pytorch.controls import Control, controls_of
from backends.pytorch.signature import Forward, check_features, check_inputs, check_outputs
from backends.shared.config import ModelConfig, Tensor

X = Tensor("x", "TYPE_FP32", (4,))
Y = Tensor("y", "TYPE_FP32", (2,))
CONFIG = ModelConfig(
    name="toy",
    max_batch_size=8,
    file_name="model.pt",
    inputs=(X,),
    outputs=(Y,),
    instances=1,
    graph_level=0,
    parameters={},
)
FORWARD = Forward({"x": "Tensor"}, ["Tensor"])
START = Control("START__1", "TYPE_FP32")


def named(*names: str) -> tuple[Tensor, ...]:
    return tuple(replace(X, name=name) for name in names)


def test_a_model_that_fits_is_accepted() -> None:
    check_features(CONFIG)
    assert check_inputs(CONFIG, [], FORWARD).by_name == {"x": 0}
    assert check_outputs(CONFIG, FORWARD).by_name == {"y": 0}


def test_control_inputs_go_where_their_numbers_say() -> None:
    forward = Forward({"x": "Tensor", "start": "Tensor"}, ["Tensor"])
    assert check_inputs(CONFIG, [START], forward).by_name == {"x": 0, "START__1": 1}


def test_a_dictionary_takes_any_number_of_inputs() -> None:
    config = replace(CONFIG, inputs=named("a", "b", "c"))
    places = check_inputs(config, [START], Forward({"d": "Dict[str, Tensor]"}, ["Tensor"]))
    assert set(places.by_name) == {"a", "b", "c", "START__1"}


def test_text_has_one_axis_with_the_batch() -> None:
    text = replace(X, data_type="TYPE_STRING", dims=())
    forward = Forward({"x": "List[str]"}, ["List[str]"])
    check_inputs(replace(CONFIG, inputs=(text,)), [], forward)
    check_outputs(replace(CONFIG, outputs=(text,)), forward)
    unbatched = replace(CONFIG, max_batch_size=0, inputs=(replace(text, dims=(-1,)),))
    check_inputs(unbatched, [], forward)


@pytest.mark.parametrize("kind", ["Any", "Optional[Tensor]", "Union[Tensor, int]"])
def test_a_result_that_only_a_run_knows_is_left_to_the_run(kind: str) -> None:
    config = replace(CONFIG, outputs=named("OUTPUT__5"))
    assert check_outputs(config, Forward({}, [kind])).by_name == {"OUTPUT__5": 5}


@pytest.mark.parametrize(
    ("inputs", "controls", "arguments", "sentence"),
    [
        (named("x"), [], {"x": "Tensor", "z": "Tensor"}, "declares 1 inputs .* takes 2"),
        (named("x", "z"), [], {"x": "Tensor"}, "declares 2 inputs .* takes 1"),
        (named("x"), [START], {"x": "Tensor"}, r"declares 2 inputs \(x, START__1\)"),
        (named("A__0", "B__0"), [], {"a": "Tensor", "b": "Tensor"}, r"argument 1 \(b\)"),
        (named("A__1"), [], {"a": "Tensor"}, r"is argument 0 \(a\) .*: A__1 is argument 1"),
        (named("x"), [], {"x": "int"}, "takes x as int"),
        (named("x"), [], {"x": "Optional[Tensor]"}, r"takes x as Optional\[Tensor\]"),
        (named("x"), [], {"x": "List[Tensor]"}, r"takes x as List\[Tensor\]"),
        (named("x"), [], {"x": "Dict[str, int]"}, r"takes x as Dict\[str, int\]"),
        (
            named("x", "z"),
            [],
            {"x": "Tensor", "z": "Dict[str, Tensor]"},
            r"takes z as Dict\[str, Tensor\]",
        ),
        (named("x"), [], {"x": "List[str]"}, "input x is TYPE_FP32 .* takes x as List"),
        (named("x"), [Control("START", "TYPE_FP32")], {"x": "Tensor"}, "name it NAME__INDEX"),
        (named("x"), [Control("ID__1", "TYPE_UINT64")], {"x": "Tensor"}, "ID__1 is TYPE_UINT64"),
        (named("x"), [Control("ID__1", "")], {"x": "Tensor"}, "ID__1 is of no type"),
        (
            (replace(X, data_type="TYPE_STRING", dims=()),),
            [],
            {"d": "Dict[str, Tensor]"},
            "input x is TYPE_STRING .* dictionary of tensors",
        ),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    inputs: tuple[Tensor, ...], controls: list[Control], arguments: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_inputs(replace(CONFIG, inputs=inputs), controls, Forward(arguments, ["Tensor"]))


@pytest.mark.parametrize(
    ("outputs", "results", "sentence"),
    [
        (named("OUTPUT__1"), ["Tensor"], "OUTPUT__1 in config.pbtxt is result 1 .* returns 1"),
        (named("a", "b"), ["Tensor"], "output b in config.pbtxt is result 1"),
        (named("y"), ["Dict[str, Tensor]"], r"returns Dict\[str, Tensor\]"),
        (named("y"), ["Tensor", "int"], "returns int"),
        (named("y"), ["List[Tensor]"], r"returns List\[Tensor\]"),
    ],
)
def test_outputs_that_do_not_fit_are_refused(
    outputs: tuple[Tensor, ...], results: list[str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_outputs(replace(CONFIG, outputs=outputs), Forward({}, results))


@pytest.mark.parametrize("data_type", ["TYPE_UINT16", "TYPE_UINT32", "TYPE_UINT64", "TYPE_BF16"])
def test_types_that_the_native_backend_does_not_know_are_refused(data_type: str) -> None:
    odd = replace(CONFIG, inputs=(replace(X, data_type=data_type),))
    with pytest.raises(ValueError, match=f"input x is {data_type} in config.pbtxt, which the"):
        check_inputs(odd, [], FORWARD)
    odd = replace(CONFIG, outputs=(replace(Y, data_type=data_type),))
    with pytest.raises(ValueError, match=f"output y is {data_type} in config.pbtxt, which the"):
        check_outputs(odd, FORWARD)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"inputs": ()}, "declares no input"),
        ({"outputs": ()}, "declares no output"),
        ({"inputs": (replace(X, is_ragged=True),)}, r"ragged batches \(x\)"),
        ({"fields": frozenset({"batch_input"})}, r"ragged batches \(batch_input\)"),
        ({"fields": frozenset({"batch_output"})}, r"ragged batches \(batch_output\)"),
    ],
)
def test_what_a_python_based_backend_cannot_have_is_refused(
    change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_features(replace(CONFIG, **change))


def test_the_controls_of_a_sequence_batcher_are_read() -> None:
    entries = [
        {"name": "S__1", "control": [{"kind": "START", "fp32_false_true": [0, 1]}]},
        {"name": "E__2", "control": [{"kind": "END", "int32_false_true": [0, 1]}]},
        {"name": "R__3", "control": [{"kind": "READY", "bool_false_true": [False, True]}]},
        {"name": "C__4", "control": [{"kind": "CORRID", "data_type": "TYPE_INT64"}]},
    ]
    found = controls_of(json.dumps({"sequence_batching": {"control_input": entries}}))
    assert found == [
        Control("S__1", "TYPE_FP32"),
        Control("E__2", "TYPE_INT32"),
        Control("R__3", "TYPE_BOOL"),
        Control("C__4", "TYPE_INT64"),
    ]
    assert controls_of("{}") == []


def test_state_that_the_server_would_keep_is_refused() -> None:
    state = {"sequence_batching": {"state": [{"input_name": "a__0"}]}}
    with pytest.raises(ValueError, match=r"sequence_batching\.state is not available"):
        controls_of(json.dumps(state))

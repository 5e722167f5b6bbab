"""Does a TorchScript model fit its Triton configuration? The native backend asks so at load.

What it lets pass although every request then fails is refused at load, too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from backends.pytorch.controls import Control
from backends.pytorch.naming import Places, input_places, output_places, place_in
from backends.shared.config import ModelConfig, Tensor

STRING = "TYPE_STRING"
TORCH_TYPES = {
    "TYPE_BOOL": "torch.bool",
    "TYPE_UINT8": "torch.uint8",
    "TYPE_INT8": "torch.int8",
    "TYPE_INT16": "torch.int16",
    "TYPE_INT32": "torch.int32",
    "TYPE_INT64": "torch.int64",
    "TYPE_FP16": "torch.float16",
    "TYPE_FP32": "torch.float32",
    "TYPE_FP64": "torch.float64",
}

TENSOR = "Tensor"
STRINGS = "List[str]"
DICTIONARY = "Dict[str, Tensor]"
KNOWN_ONLY_AT_RUN = ("Any", "Optional", "Union")

TypeName: TypeAlias = str


@dataclass(frozen=True)
class Forward:
    """What the `forward()` of a model takes and returns, by TorchScript's names of types.

    Attributes:
        arguments: Types by name, in order, without `self`.
        results: Types of the elements of the tuple that it returns, or of the one value.
    """

    arguments: dict[str, TypeName]
    results: Sequence[TypeName]

    @property
    def takes_dictionary(self) -> bool:
        """Whether all inputs go into one dictionary."""
        return list(self.arguments.values()) == [DICTIONARY]


def check_features(config: ModelConfig) -> None:
    """Makes sure that a configuration asks for nothing that a python-based backend cannot have.

    Raises:
        ValueError: If it does, or declares no input or output.
    """
    ragged = [tensor.name for tensor in config.inputs if tensor.is_ragged]
    for field in ("batch_input", "batch_output"):
        if field in config.fields:
            ragged.append(field)
    if ragged:
        raise ValueError(
            f"config.pbtxt asks for ragged batches ({', '.join(ragged)}), which are not available "
            "in the embedded server; pad the inputs to one shape"
        )
    for field, tensors in (("input", config.inputs), ("output", config.outputs)):
        if not tensors:
            raise ValueError(f"config.pbtxt declares no {field}; declare at least one")


def check_inputs(config: ModelConfig, controls: Iterable[Control], forward: Forward) -> Places:
    """Makes sure that the declared inputs are what `forward()` takes.

    Returns:
        Which argument each input is; of no meaning for a model that takes a dictionary.

    Raises:
        ValueError: If they are not; says where and what to do.
    """
    for tensor in config.inputs:
        _check_type(config, f"input {tensor.name}", tensor)
    controlled = {control.name: _control_place(control) for control in controls}
    names = [tensor.name for tensor in config.inputs]
    if forward.takes_dictionary:
        _check_keys(config.inputs)
        return Places(dict.fromkeys([*names, *controlled], 0), "by key")
    _check_arguments(config.file_name, forward, [*names, *controlled])
    places = input_places(names, list(forward.arguments))
    places.by_name.update(controlled)
    _check_cover(config.file_name, places, list(forward.arguments))
    _check_kinds(config, places, list(forward.arguments.items()))
    return places


def check_outputs(config: ModelConfig, forward: Forward) -> Places:
    """Makes sure that the declared outputs are among what `forward()` returns.

    Returns:
        Which result each output is.

    Raises:
        ValueError: If they are not; says where and what to do.
    """
    for tensor in config.outputs:
        _check_type(config, f"output {tensor.name}", tensor)
    for type_name in forward.results:
        if type_name not in (TENSOR, STRINGS) and not type_name.startswith(KNOWN_ONLY_AT_RUN):
            raise ValueError(
                f"forward() of {config.file_name} returns {type_name}; it can return a Tensor, a "
                "List[str], or a tuple of these"
            )
    places = output_places([tensor.name for tensor in config.outputs])
    if not any(type_name.startswith(KNOWN_ONLY_AT_RUN) for type_name in forward.results):
        for name, place in places.by_name.items():
            check_place(config.file_name, name, place, len(forward.results))
    return places


def check_place(file_name: str, name: str, place: int, count: int) -> None:
    """Makes sure that a model returns what an output stands for.

    Raises:
        ValueError: If it returns fewer values.
    """
    if place >= count:
        raise ValueError(
            f"output {name} in config.pbtxt is result {place} of forward(), but {file_name} "
            f"returns {count}; results are counted from 0"
        )


def _check_type(config: ModelConfig, subject: str, tensor: Tensor) -> None:
    if tensor.data_type == STRING:
        if len(tensor.dims) + config.is_batched > 1:
            raise ValueError(
                f"{subject} is TYPE_STRING with more than one axis in config.pbtxt; TorchScript "
                "takes strings as a list, so leave it one axis, the batch included"
            )
    elif tensor.data_type not in TORCH_TYPES:
        raise ValueError(
            f"{subject} is {tensor.data_type} in config.pbtxt, which the pytorch backend does not "
            f"know; it can be {', '.join(TORCH_TYPES)} or {STRING}"
        )


def _control_place(control: Control) -> int:
    place = place_in(control.name)
    if place is None:
        raise ValueError(
            f"control input {control.name} in config.pbtxt does not say which argument of "
            "forward() it is; name it NAME__INDEX, such as START__1"
        )
    if control.data_type not in TORCH_TYPES:
        raise ValueError(
            f"control input {control.name} is {control.data_type or 'of no type'} in config.pbtxt; "
            f"it can be {', '.join(TORCH_TYPES)}"
        )
    return place


def _check_keys(inputs: Iterable[Tensor]) -> None:
    for tensor in inputs:
        if tensor.data_type == STRING:
            raise ValueError(
                f"input {tensor.name} is TYPE_STRING in config.pbtxt, but forward() takes a "
                "dictionary of tensors; correct data_type"
            )


def _check_arguments(file_name: str, forward: Forward, names: Sequence[str]) -> None:
    for argument, type_name in forward.arguments.items():
        if type_name not in (TENSOR, STRINGS):
            raise ValueError(
                f"forward() of {file_name} takes {argument} as {type_name}; it can take Tensor and "
                "List[str], or nothing but one Dict[str, Tensor]"
            )
    if len(names) != len(forward.arguments):
        raise ValueError(
            f"config.pbtxt declares {len(names)} inputs ({', '.join(names)}), but forward() of "
            f"{file_name} takes {len(forward.arguments)} ({', '.join(forward.arguments)}); make "
            "them the same"
        )


def _check_cover(file_name: str, places: Places, arguments: Sequence[str]) -> None:
    for place, argument in enumerate(arguments):
        if place not in places.by_name.values():
            told = ", ".join(f"{name} is argument {n}" for name, n in places.by_name.items())
            raise ValueError(
                f"no input in config.pbtxt is argument {place} ({argument}) of forward() of "
                f"{file_name}: {told}; inputs are counted from 0, each number once"
            )


def _check_kinds(
    config: ModelConfig, places: Places, arguments: Sequence[tuple[str, TypeName]]
) -> None:
    for tensor in config.inputs:
        argument, type_name = arguments[places.by_name[tensor.name]]
        if (tensor.data_type == STRING) != (type_name == STRINGS):
            raise ValueError(
                f"input {tensor.name} is {tensor.data_type} in config.pbtxt, but forward() of "
                f"{config.file_name} takes {argument} as {type_name}; make them the same"
            )

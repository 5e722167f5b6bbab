"""The model's file: is it there, does every server read it, and does the configuration fit it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import onnx

from client.failures import one_line
from orchestrator.validation.config import Config, datatype_of
from orchestrator.validation.files import is_inside, leads_out
from orchestrator.validation.finding import Finding, error, listed, warning
from orchestrator.validation.onnx_file import Node, OnnxFile
from orchestrator.validation.repository import Version
from orchestrator.validation.torchscript_file import TorchScriptFile

MAX_OPSET = 17
MAX_IR_VERSION = 9
FLOOR = "ONNX Runtime 1.19.2 in NVIDIA's 24.10 container"
RUNTIME_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}
CHECKED_BYTES = 2**28  # ONNX's checker takes some copies of a model
MAX_REASON = 200

Declared = Mapping[str, tuple[int, Any]]


def file_is_there(version: Version) -> Iterator[Finding]:
    """A version without its file does not load."""
    name = version.file_name
    if name and not (version.path / name).exists():
        yield error(
            "model-file",
            version.place(name),
            "The version has no such file, and config.pbtxt wants it.",
            "Put it there, or correct default_model_filename.",
        )


def file_is_readable(version: Version) -> Iterator[Finding]:
    """A file that is garbage does not load."""
    yield from version.network.faults


def onnx_versions(version: Version) -> Iterator[Finding]:
    """The oldest server that counts sets the floor."""
    network = version.network.value
    if not isinstance(network, OnnxFile):
        return
    place = version.place(version.file_name)
    if (network.opset or 0) > MAX_OPSET:
        yield error(
            "onnx-opset",
            place,
            f"The model has opset {network.opset}; models keep to {MAX_OPSET}, for {FLOOR}.",
            f"Export it with opset {MAX_OPSET}.",
        )
    if network.ir_version > MAX_IR_VERSION:
        yield error(
            "onnx-ir",
            place,
            f"The file has IR version {network.ir_version}; models keep to {MAX_IR_VERSION}, for "
            f"{FLOOR}.",
            f"Export it with IR version {MAX_IR_VERSION}.",
        )


def onnx_operators(version: Version) -> Iterator[Finding]:
    """Operators of others need their library on every server."""
    network, config = version.network.value, version.model.config.value
    if not isinstance(network, OnnxFile) or config is None:
        return
    foreign = sorted(network.domains - RUNTIME_DOMAINS)
    libraries = list(config.message.model_operations.op_library_filename)
    if foreign and not libraries:
        yield error(
            "onnx-operators",
            version.place(version.file_name),
            f"The model uses operators of {listed(foreign)}, which ONNX Runtime does not have.",
            "Export it with ONNX's own operators, or name their library in model_operations.",
        )
    for name in libraries:
        if not leads_out(name) and not (version.path / name).exists():
            yield error(
                "model-file",
                version.place(name),
                "The version has no such file, and op_library_filename wants it.",
                "Put it there, or correct op_library_filename.",
            )


def onnx_is_valid(version: Version) -> Iterator[Finding]:
    """What ONNX's own checker says, where that is quick."""
    network = version.network.value
    if not isinstance(network, OnnxFile) or network.model.ByteSize() > CHECKED_BYTES:
        return
    if any(not (version.path / name).is_file() for name in network.external_files):
        return  # told by the rule of external data
    # Data beside the file is found from the file, not from where the program runs.
    file = str(version.path / version.file_name)
    try:
        onnx.checker.check_model(file if network.external_files else network.model)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as failure:
        reason = one_line(str(failure))[:MAX_REASON]
        yield error(
            "onnx-invalid",
            version.place(version.file_name),
            f"ONNX's checker refuses the model: {reason}.",
            "Export the model again.",
        )


def onnx_external_data(version: Version) -> Iterator[Finding]:
    """Weights in other files travel with the version, or not at all."""
    network = version.network.value
    if not isinstance(network, OnnxFile):
        return
    place = version.place(version.file_name)
    for name, end in network.external_files.items():
        path = version.path / name
        if not name or leads_out(name) or not is_inside(path, version.path):
            sentence = f"Weights are in {name or 'a file without a name'}, outside of the version."
            mend = "Export the model with its weights in files beside it."
            yield error("onnx-weights", place, sentence, mend)
        elif not path.is_file():
            sentence = f"Weights are in {name}, which is missing."
            yield error("onnx-weights", place, sentence, f"Put {name} beside the model.")
        elif path.stat().st_size < end:
            sentence = f"Weights need {end} bytes of {name}, which has {path.stat().st_size}."
            yield error("onnx-weights", place, sentence, f"Copy {name} again.")


def onnx_batch_axis(version: Version) -> Iterator[Finding]:
    """The first axis takes as many rows as there are."""
    network, config = version.network.value, version.model.config.value
    if not isinstance(network, OnnxFile) or config is None or config.max_batch_size < 1:
        return
    nodes = [*network.inputs.values(), *network.outputs.values()]
    fixed = [str(node) for node in nodes if not node.shape or node.shape[0] is not None]
    if fixed:
        yield error(
            "onnx-batch",
            version.place(version.file_name),
            f"The first axis is fixed, and cannot be the batch: {listed(fixed)}.",
            "Export the model with a dynamic first axis.",
        )


def onnx_tensors(version: Version) -> Iterator[Finding]:
    """The native backend compares names, types and extents at load; so does the embedded one."""
    network, config = version.network.value, version.model.config.value
    if not isinstance(network, OnnxFile) or config is None or config.max_batch_size < 1:
        return
    undeclared = network.inputs.keys() - config.inputs.keys()
    if undeclared and config.inputs.keys() <= network.inputs.keys():
        yield config.finding(
            "onnx-tensors",
            "input",
            f"{version.place(version.file_name)} needs the input {listed(sorted(undeclared))}, "
            "which is not declared.",
            "Declare it, or export the model without it.",
        )
    for key, nodes in (("input", network.inputs), ("output", network.outputs)):
        for index, tensor in enumerate(getattr(config.message, key)):
            for sentence, mend in _differences(version, key, tensor, nodes):
                yield config.finding("onnx-tensors", key, sentence, mend, index=index)


def torchscript_names(version: Version) -> Iterator[Finding]:
    """Names say which argument or output of a TorchScript model a tensor is."""
    network, config = version.network.value, version.model.config.value
    if not isinstance(network, TorchScriptFile) or config is None:
        return
    arguments = network.arguments
    if arguments is None or not set(config.inputs) <= set(arguments):
        count = len(arguments) if arguments is not None else len(config.inputs)
        yield from _indexed(config, "input", list(config.inputs), count)
    yield from _indexed(config, "output", list(config.outputs), len(config.outputs))
    if arguments is not None and len(arguments) < len(config.inputs):
        yield config.finding(
            "torchscript-names",
            "input",
            f"The model takes {listed(arguments)}, and {len(config.inputs)} inputs are declared.",
            "Declare the inputs that the model takes.",
        )


def _differences(
    version: Version, key: str, tensor: Any, nodes: Mapping[str, Node]
) -> Iterator[tuple[str, str]]:
    """How a declared tensor differs from the file's, as sentences with their mends."""
    file = version.place(version.file_name)
    node = nodes.get(tensor.name)
    if node is None:
        yield (
            f"The {key} {tensor.name} is declared, but {file} has only {listed(sorted(nodes))}.",
            "Correct the name.",
        )
        return
    same = "Make them the same."
    if node.datatype != datatype_of(tensor):
        yield (
            f"The {key} {tensor.name} is {datatype_of(tensor)}, but {node.datatype} in {file}.",
            (same),
        )
    dims = list(tensor.reshape.shape if tensor.HasField("reshape") else tensor.dims)
    # A fixed extent may meet one that varies where the model takes it, but not where it gives it.
    if not _fits(dims, (node.shape or ())[1:], exact=key == "output"):
        yield (
            f"The {key} {tensor.name} has dims {dims}, but is {node} with its batch in {file}.",
            (same),
        )


def _fits(dims: Sequence[int], shape: Sequence[int | None], *, exact: bool) -> bool:
    if len(dims) != len(shape):
        return False
    pairs = zip(dims, shape, strict=True)
    return all(dim == (-1 if n is None else n) or (n is None and not exact) for dim, n in pairs)


def _indexed(config: Config, key: str, names: list[str], count: int) -> Iterator[Finding]:
    """Names such as OUTPUT__0; anything else is taken in the order of the configuration."""
    indices = [_index(name) for name in names]
    given = [index for index in indices if index is not None]
    if given and len(given) < len(names):
        loose = [name for name, index in zip(names, indices, strict=True) if index is None]
        yield warning(
            "torchscript-names",
            config.place,
            f"Some names of an {key} end in __ and a number, but not {listed(loose)}, so Triton "
            "takes all of them in the order in which they are written.",
            f"Give every {key} a name such as {key.upper()}__0, or none.",
            config.line(key),
        )
    elif key == "input" and not given and len(names) > 1:
        yield warning(
            "torchscript-names",
            config.place,
            f"The inputs {listed(names)} are no arguments of the model, so Triton takes them in "
            "the order in which they are written.",
            "Call them as the arguments of forward, or INPUT__0, INPUT__1 and so on.",
            config.line(key),
        )
    if given and len(given) == len(names):
        yield from _index_faults(config, key, given, count)


def _index_faults(config: Config, key: str, given: list[int], count: int) -> Iterator[Finding]:
    twice = [index for index, times in Counter(given).items() if times > 1]
    beyond = [index for index in given if index >= count]
    if twice or beyond:
        number, why = (twice[0], "twice") if twice else (beyond[0], f"beyond the {count} there are")
        yield error(
            "torchscript-names",
            config.place,
            f"The number {number} at the end of an {key}'s name is there {why}.",
            "Number them from 0 on.",
            config.line(key),
        )


def _index(name: str) -> int | None:
    """The number in a name such as `INPUT__0`; like Triton, no digits count as 0."""
    _, mark, digits = name.partition("__")
    is_number = mark and all(digit in "0123456789" for digit in digits)
    return int(digits or 0) if is_number else None

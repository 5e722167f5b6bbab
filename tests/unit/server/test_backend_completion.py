"""What is filled in where a configuration leaves something out."""

from pathlib import Path
from typing import Any

import pytest

from backends.onnxruntime.completion import can_batch, own_version_folder
from tests.unit.server.toy_signature import Node, X, Y, signature


@pytest.mark.parametrize(
    ("file_name", "path"),
    [
        ("model.onnx", "/repository/toy/3/model.onnx"),
        ("parts/encoder.onnx", "/repository/toy/3/parts/encoder.onnx"),
    ],
)
def test_the_folder_of_the_version_is_read_from_the_command_line(
    tmp_path: Path, file_name: str, path: str
) -> None:
    command_line = tmp_path / "cmdline"
    command_line.write_text("\0".join(["/x/triton_python_backend_stub", path, "region", ""]))
    assert own_version_folder(file_name, command_line) == Path("/repository/toy/3")


@pytest.mark.parametrize(
    ("input_shape", "output_shape", "possible"),
    [
        (["N", 3], ["N", 2], True),
        ([1, 3], ["N", 2], False),
        (["N", 3], [1], False),
        (["N", 3], [], False),
    ],
)
def test_a_model_takes_batches_if_every_first_axis_varies(
    input_shape: list[Any], output_shape: list[Any], possible: bool
) -> None:
    x = Node("x", X.type, input_shape)
    y = Node("y", Y.type, output_shape)
    assert can_batch(signature([x], [y])) is possible

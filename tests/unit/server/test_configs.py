"""Configurations are looked at before a server starts."""

from pathlib import Path

import pytest

from client.errors import InputError
from orchestrator.server.configs import needs_completion

COMPLETE = """
name: "echo"
max_batch_size: 8
input [ { name: "x", data_type: TYPE_FP32, dims: [ 4 ] } ]
output [ { name: "y", data_type: TYPE_FP32, dims: [ 4 ] } ]
"""


def written(folder: Path, text: str) -> Path:
    (folder / "echo").mkdir()
    (folder / "echo" / "config.pbtxt").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        (COMPLETE, False),
        (COMPLETE.replace("input [", "# ["), True),
        (COMPLETE.replace("output [", "# ["), True),
        (COMPLETE.replace("data_type: TYPE_FP32, ", "", 1), True),
        (COMPLETE.replace(", dims: [ 4 ]", "", 1), True),
        (COMPLETE.replace("dims: [ 4 ]", "dims: [ 1 ], reshape { shape: [ ] }"), False),
        ('name: "both" platform: "ensemble" ensemble_scheduling { }', False),
        ("no configuration", False),
    ],
)
def test_only_what_says_less_than_a_server_needs_is_completed(
    tmp_path: Path, text: str, needed: bool
) -> None:
    assert needs_completion(written(tmp_path, text), ["echo"]) is needed


@pytest.mark.parametrize("name", ["a b.onnx", "$(touch x).onnx", "x;reboot", "modèle.onnx"])
def test_a_file_name_that_a_shell_would_read_is_refused(tmp_path: Path, name: str) -> None:
    text = f'{COMPLETE}\ndefault_model_filename: "{name}"'
    with pytest.raises(InputError, match="cannot be served: name the file with letters"):
        needs_completion(written(tmp_path, text), ["echo"])

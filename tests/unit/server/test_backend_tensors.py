"""Texts and single numbers, which Triton and ONNX Runtime hold differently."""

from dataclasses import replace

import numpy as np
import pytest

from backends.onnxruntime.tensors import Translation
from backends.shared.config import Tensor
from tests.unit.server.toy_config import CONFIG
from tests.unit.server.toy_signature import Node, signature

TEXT = Node("text", "tensor(string)", ["N", 1])
NUMBER = Node("number", "tensor(float)", [])
TOTAL = Node("total", "tensor(float)", [])
CONFIGURED = replace(CONFIG, outputs=(Tensor("total", "TYPE_FP32", (1, 1)),))
TRANSLATION = Translation(CONFIGURED, signature([TEXT, NUMBER], [TOTAL]))


def test_texts_arrive_as_text_in_the_shape_that_they_had() -> None:
    sent = np.array([["grüß".encode()], [b""]], dtype=object)
    received = TRANSLATION.inputs({"text": sent})["text"]
    assert received.tolist() == [["grüß"], [""]]


def test_a_text_that_is_not_utf_8_is_an_error_that_names_the_input() -> None:
    with pytest.raises(ValueError, match="input text holds a text that is not UTF-8"):
        TRANSLATION.inputs({"text": np.array([[b"\xff"]], dtype=object)})


def test_a_single_number_loses_its_axes_for_the_model_and_gets_those_of_its_configuration() -> None:
    assert TRANSLATION.inputs({"number": np.ones(1, np.float32)})["number"].shape == ()
    assert TRANSLATION.outputs({"total": np.ones((), np.float32)})["total"].shape == (1, 1)


def test_two_numbers_for_one_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"input number is a single number, got shape \[2\]"):
        TRANSLATION.inputs({"number": np.ones(2, np.float32)})


def test_all_else_is_handed_on_as_it_is() -> None:
    array = np.ones((2, 3), np.float32)
    assert TRANSLATION.inputs({"other": array})["other"] is array
    assert TRANSLATION.outputs({"other": array})["other"] is array

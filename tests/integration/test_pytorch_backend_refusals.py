"""TorchScript models that a real server does not load, and what it says of them."""

from typing import Any

import numpy as np
import pytest
from tritonclient.utils import InferenceServerException

from orchestrator.server.embedded import EmbeddedServer
from tests.integration.loading import loaded
from tests.integration.onnx_toys import parameters
from tests.integration.torch_toys import FILE, config, has_torch, needs_torch, run_python, script

pytestmark = pytest.mark.server

ROW = [2]
ECHO = config({"x": ROW}, {"y": ROW})
TEXT = {"data_type": "TYPE_STRING", "dims": [-1]}

GRANT = "from backends.pytorch.devices import granted_device; granted_device('GPU', 7)"


async def refusal(server: EmbeddedServer, content: bytes, declared: dict[str, Any]) -> str:
    """What the server says of a model that it does not load."""
    with pytest.raises(InferenceServerException) as caught:
        async with loaded(server.url, b"", declared, {FILE: content}):
            pass
    return str(caught.value)


@pytest.mark.skipif(has_torch(), reason="the embedded server's environment has torch")
async def test_without_torch_the_sentence_says_what_to_run(server: EmbeddedServer) -> None:
    said = await refusal(server, b"", ECHO)
    assert "backend pytorch needs torch, which is not in the server's environment" in said
    assert "run make torch" in said


@needs_torch
@pytest.mark.parametrize("content", [b"", b"garbage", "Checkpoint"])
async def test_a_file_that_is_no_torchscript_is_named(
    server: EmbeddedServer, content: bytes | str
) -> None:
    content = script(content) if isinstance(content, str) else content
    said = await refusal(server, content, ECHO)
    assert "1/model.pt is no TorchScript model that torch 2" in said
    assert "write it with torch.jit.save" in said


@needs_torch
async def test_a_missing_file_is_named(server: EmbeddedServer) -> None:
    said = await refusal(server, b"", ECHO | {"default_model_filename": "other.pt"})
    assert "1/other.pt is missing" in said


@needs_torch
@pytest.mark.parametrize(
    ("recipe", "inputs", "outputs", "sentence"),
    [
        ("Difference", ["x"], ["y"], "declares 1 inputs (x), but forward() of model.pt takes 2"),
        ("Echo", ["a", "b"], ["y"], "declares 2 inputs (a, b), but forward() of model.pt takes 1"),
        ("Difference", ["A__0", "B__2"], ["y"], "no input in config.pbtxt is argument 1"),
        ("Echo", ["x"], ["OUTPUT__1"], "output OUTPUT__1 in config.pbtxt is result 1"),
        ("TakesNumber", ["x", "factor"], ["y"], "takes factor as int"),
        ("TakesTwoDictionaries", ["a", "b"], ["y"], "takes a as Dict[str, Tensor]"),
        ("ReturnsDictionary", ["x"], ["y"], "returns Dict[str, Tensor]"),
        ("ReturnsList", ["x"], ["y"], "returns List[Tensor]"),
        ("Formless", ["x"], ["y"], "the model in 1/model.pt has no forward()"),
    ],
)
async def test_a_model_that_does_not_fit_its_configuration_is_named(
    server: EmbeddedServer, recipe: str, inputs: list[str], outputs: list[str], sentence: str
) -> None:
    declared = config(dict.fromkeys(inputs, ROW), dict.fromkeys(outputs, ROW))
    assert sentence in await refusal(server, script(recipe), declared)


@needs_torch
@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        (ECHO | parameters(INFERENCE_MODE="maybe"), "INFERENCE_MODE is 'maybe'"),
        (ECHO | parameters(INTRA_OP_THREAD_COUNT="all"), "INTRA_OP_THREAD_COUNT is 'all'"),
        (config({"x": TEXT}, {"y": ROW}), "input x is TYPE_STRING with more than one axis"),
        (
            config({"x": TEXT}, {"y": ROW}, max_batch_size=0),
            "input x is TYPE_STRING in config.pbtxt, but forward() of model.pt takes x as Tensor",
        ),
        (
            config({"x": {"data_type": "TYPE_UINT32", "dims": [2]}}, {"y": ROW}),
            "input x is TYPE_UINT32 in config.pbtxt, which the pytorch backend does not know",
        ),
    ],
)
async def test_a_configuration_that_the_backend_cannot_follow_is_named(
    server: EmbeddedServer, declared: dict[str, Any], sentence: str
) -> None:
    assert sentence in await refusal(server, script("Echo"), declared)


@needs_torch
def test_a_gpu_that_was_granted_but_that_torch_cannot_use_is_an_error() -> None:
    done = run_python("-c", GRANT)
    assert done.returncode != 0
    sentence = done.stderr.strip().splitlines()[-1]
    assert sentence.startswith("ValueError: a GPU instance was asked for, but torch 2")
    assert "cannot use GPU 7" in sentence


@needs_torch
async def test_a_model_loads_after_one_that_did_not(server: EmbeddedServer) -> None:
    await refusal(server, b"garbage", ECHO)
    x = np.ones((1, 2), np.float32)
    async with loaded(server.url, b"", ECHO, {FILE: script("Echo")}) as model:
        np.testing.assert_array_equal((await model(x=x))["y"], x)

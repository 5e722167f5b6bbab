"""Endpoints are checked before anything is sent; a dead one gives one sentence."""

import numpy as np
import pytest
import tritonclient.grpc.aio as triton
from tritonclient.utils import InferenceServerException

from client.connection import Connection
from client.errors import (
    AccessError,
    InferenceError,
    LipSyncError,
    ModelDiedError,
    ModelUnavailableError,
    RegionLostError,
    ServerError,
    ServerUnavailableError,
)


async def test_an_endpoint_where_nobody_listens_gives_one_sentence() -> None:
    with pytest.raises(ServerError, match=r"No Triton server answers at 127\.0\.0\.1:1: start one"):
        async with Connection("127.0.0.1:1"):
            pass


@pytest.mark.parametrize(
    ("status", "message", "kind", "sentence"),
    [
        (
            "UNAVAILABLE",
            "Request for unknown model: 'echo' version 1 is not at ready state",
            ModelUnavailableError,
            "is not ready at .* wait until it is loaded, or load it",
        ),
        (
            "NOT_FOUND",
            "Request for unknown model: 'echo' is not found",
            ModelUnavailableError,
            "does not serve echo version 1: .* check that its repository has this model",
        ),
        (
            "INTERNAL",
            "Failed to process the request(s) for model 'echo_0_0', message: Stub process "
            "'echo_0_0' is not healthy.",
            ModelDiedError,
            r"process .* died \(.*'echo_0_0' is not healthy\): load the model again, or",
        ),
        (
            "DEADLINE_EXCEEDED",
            "Deadline Exceeded",
            ServerUnavailableError,
            "did not answer .* in time",
        ),
        ("UNAVAILABLE", "Socket closed", ServerUnavailableError, "No Triton server answers"),
        (
            "UNAVAILABLE",
            "Exceeds maximum queue size",
            ServerUnavailableError,
            r"takes no requests \(Exceeds maximum queue size\)",
        ),
        (
            "UNAVAILABLE",
            "This protocol is restricted, expecting header 'triton-grpc-protocol-key'",
            AccessError,
            "only those with its key 'key' touch echo version 1: .* --key-file",
        ),
        ("CANCELLED", "CANCELLED", ServerUnavailableError, "takes no requests"),
        (
            "INVALID_ARGUMENT",
            "Unable to find shared memory region: 'lipsync-job-1'",
            RegionLostError,
            "was started again",
        ),
        ("INVALID_ARGUMENT", "index out of\n  bounds.", InferenceError, "index out of bounds$"),
    ],
)
async def test_what_a_server_says_becomes_one_sentence_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    message: str,
    kind: type[LipSyncError],
    sentence: str,
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise InferenceServerException(message, f"StatusCode.{status}")

    async def live(*_: object, **__: object) -> bool:
        return True

    monkeypatch.setattr(triton.InferenceServerClient, "infer", fail)
    monkeypatch.setattr(triton.InferenceServerClient, "is_server_live", live)
    tensor = triton.InferInput("x", [1, 4], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 4), np.float32))
    link = Connection("127.0.0.1:1")
    try:
        with pytest.raises(LipSyncError, match=sentence) as caught:
            await link.infer("echo", "1", [tensor])
    finally:
        await link.close()
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


async def test_a_model_that_is_missing_because_its_server_ends_can_be_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: object, **__: object) -> None:
        message = "Request for unknown model: 'echo' version 1 is not at ready state"
        raise InferenceServerException(message, "StatusCode.UNAVAILABLE")

    async def end(*_: object, **__: object) -> None:
        raise InferenceServerException("Server exiting", "StatusCode.UNAVAILABLE")

    monkeypatch.setattr(triton.InferenceServerClient, "infer", fail)
    monkeypatch.setattr(triton.InferenceServerClient, "is_server_live", end)
    link = Connection("127.0.0.1:1")
    try:
        with pytest.raises(ServerUnavailableError):
            await link.infer("echo", "1", [])
    finally:
        await link.close()

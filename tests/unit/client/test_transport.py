"""What a request in a message is made of."""

from typing import Any, cast

import numpy as np
import tritonclient.grpc.aio as triton

from client.batch import Batch
from client.calls import Calls, Request
from client.constant import Constant
from client.region import Region
from client.tensors import TensorSpec
from client.transport import CONSTANTS, MessageTransport, Signature

SIGNATURE = Signature(
    "model",
    {name: TensorSpec(name, "FP32", (2,)) for name in ("own", "shared")},
    {},
)


class Sent:
    """Keeps what would be sent."""

    def __init__(self) -> None:
        self.requests: list[dict[str, triton.InferInput]] = []

    async def infer(self, request: Any, regions: tuple[Region, ...] = ()) -> triton.InferResult:
        inputs = cast(Request, request())[0]
        self.requests.append({tensor.name(): tensor for tensor in inputs})
        return None


def batch(constant: Constant, rows: int = 1) -> Batch:
    return Batch([{"own": np.zeros((rows, 2), np.float32)}], constant)


async def test_a_constant_is_written_once_for_each_number_of_rows() -> None:
    sent = Sent()
    transport = MessageTransport(cast(Calls, sent), SIGNATURE)
    constant = Constant({"shared": np.ones((1, 2), np.float32)})
    for rows in (1, 4, 4, 1):
        await transport.infer(batch(constant, rows))
    one, four, four_again, one_again = (request["shared"] for request in sent.requests)
    assert (one.shape(), four.shape()) == ([1, 2], [4, 2])
    assert one is one_again
    assert four is four_again


async def test_few_constants_are_remembered() -> None:
    sent = Sent()
    transport = MessageTransport(cast(Calls, sent), SIGNATURE)
    constants = [Constant({"shared": np.ones((1, 2), np.float32)}) for _ in range(CONSTANTS + 1)]
    for constant in [*constants, constants[-1], constants[0]]:
        await transport.infer(batch(constant))
    tensors = [request["shared"] for request in sent.requests]
    assert tensors[-2] is tensors[CONSTANTS]
    assert tensors[-1] is not tensors[0]

"""What a server counts of its runs; it counts only after it has answered."""

import asyncio

from client.model import Batching, ServedModel


async def counted(model: ServedModel, before: Batching, *, inferences: int) -> Batching:
    """What was run since `before`, when so many inferences are counted."""
    for _ in range(100):
        batching = (await model.batching()).since(before)
        if batching.inferences >= inferences:
            break
        await asyncio.sleep(0.05)
    assert batching.inferences == inferences
    return batching

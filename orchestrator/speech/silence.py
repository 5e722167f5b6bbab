"""Silence after a recording, so that a mouth comes to rest while the clip goes on."""

from collections.abc import Iterable, Iterator

import numpy as np

from orchestrator.speech.windows import Samples

_BLOCK_SAMPLES = 16000


def followed_by_silence(blocks: Iterable[Samples], samples: int) -> Iterator[Samples]:
    """Yields a recording and, where it is shorter than a number of samples, silence up to it.

    Args:
        blocks: float32 [n] each, in order.
        samples: Least number of samples of the whole.
    """
    missing = samples
    for block in blocks:
        missing -= len(block)
        yield block
    while missing > 0:
        silence = np.zeros(min(missing, _BLOCK_SAMPLES), np.float32)
        missing -= len(silence)
        yield silence

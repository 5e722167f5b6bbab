"""Speech as fixed overlapping windows, and features as one track on the recording's clock."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

FEATURE_RATE = 25  # features per second of every speech encoder (design: tensor contracts)


class FeatureTrack(Protocol):
    """The features of a recording, in memory or not."""

    def __len__(self) -> int:
        """How many there are."""

    def take(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Reads features in any order, float32 [n, D]."""


def speech_windows(
    blocks: Iterable[Samples], *, left_context: int, core: int, right_context: int
) -> Iterator[Samples]:
    """Cuts a recording into windows whose cores follow each other without gap.

    Args:
        blocks: Consecutive mono samples, in blocks of any size.
        left_context: Samples before each core.
        core: Samples that each window speaks for.
        right_context: Samples after each core.

    Yields:
        float32 [left_context + core + right_context]; zeros outside the recording. At least one
        window, and together the cores cover every sample.
    """
    length = left_context + core + right_context
    held = np.zeros(left_context, np.float32)
    pending = 0
    for block in blocks:
        held = np.concatenate([held, block])
        pending += len(block)
        while len(held) >= length:
            yield held[:length]
            held, pending = held[core:], pending - core
    while pending > 0:
        yield np.pad(held, (0, max(length - len(held), 0)))[:length]
        held, pending = held[core:], pending - core


def feature_window(track: FeatureTrack, time_s: Fraction, width: int) -> NDArray[np.float32]:
    """Samples a feature track around one moment.

    Args:
        track: Of a recording; feature k is centred at (k + 0.5) / 25 s.
        time_s: The moment that the middle column stands for.
        width: Number of columns, 40 ms apart.

    Returns:
        float32 [D, width], linearly interpolated, replicated beyond both ends.
    """
    last = len(track) - 1
    centre = float(time_s * FEATURE_RATE - Fraction(1, 2))
    position = np.clip(centre + np.arange(width) - width // 2, 0, last)
    low = position.astype(np.int64)
    part = (position - low).astype(np.float32)[:, None]
    before, after = track.take(low), track.take(np.minimum(low + 1, last))
    return np.ascontiguousarray((before * (1 - part) + after * part).T)

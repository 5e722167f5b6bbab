"""Runs a speech encoder over whole recordings, in this process, on one thread."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SAMPLE_RATE_HZ: Final = 16_000
CONTEXT: Final = 13_160
CORE: Final = 64_000
WINDOW: Final = CORE + 2 * CONTEXT
HOP: Final = 640
BATCH: Final = 8
REPEATS: Final = 15


class Encoder:
    """One graph of the `wenet` contract."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, samples: NDArray[np.int16]) -> Floats:
        """Encodes mono speech at 16 kHz, [n] int16, window by window, to [n // 640, 64]."""
        windows = windows_of(samples)
        batches = (windows[at : at + BATCH] for at in range(0, len(windows), BATCH))
        features = [self._session.run(["features"], {"speech": batch})[0] for batch in batches]
        return np.concatenate(features).reshape(-1, features[0].shape[-1])[: len(samples) // HOP]

    def cost_ms(self, seconds: float = 10.0) -> float:
        """Measures the time for so many seconds of speech: the median of several runs."""
        noise = np.random.default_rng(0).normal(0, 3000, int(seconds * SAMPLE_RATE_HZ))
        times: list[float] = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            self(noise.astype(np.int16))
            times.append(time.perf_counter() - start)
        return median(times) * 1000


def windows_of(samples: NDArray[np.int16]) -> Floats:
    """Cuts [n] int16 into windows [W, 90320] float32, with zeros outside the recording."""
    padded = np.pad(samples, (CONTEXT, WINDOW))
    starts = range(0, len(samples), CORE)
    cut = np.stack([padded[start : start + WINDOW] for start in starts])
    return np.asarray(cut / 32768, np.float32)

"""How far features of windows are from those of one run over the whole recording."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from export.families.wenet.speech import speech_like
from export.families.wenet.window import Window

_CORES = 3
_SEED = 20

ServedAt = Callable[[Window], nn.Module]


def window_deviation(
    served_at: ServedAt, window: Window, edge_samples: tuple[int, int]
) -> dict[str, float]:
    """Measures it on a recording of three cores.

    Args:
        served_at: Makes the served model for a window.
        window: The window.
        edge_samples: What silence stands before and after the recording in the whole run.

    Returns:
        `window_deviation_max` and `window_deviation_mean`, absolute differences over all features,
        and beside them `window_features_std`, which features deviate from their mean.
    """
    recording = speech_like(_CORES * window.core, _SEED)
    before, after = edge_samples
    whole = Window(before, len(recording), after)
    expected = _run(served_at(whole), np.pad(recording, (before, after))[np.newaxis])
    found = _run(served_at(window), _windows(recording, window))
    difference = np.abs(found.reshape(expected.shape) - expected)
    return {
        "window_deviation_max": float(difference.max()),
        "window_deviation_mean": float(difference.mean()),
        "window_features_std": float(expected.std()),
    }


def _windows(recording: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
    padded = np.pad(recording, (window.left, window.right))
    starts = range(0, len(recording), window.core)
    return np.stack([padded[start : start + window.length] for start in starts])


def _run(module: nn.Module, speech: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.no_grad():
        features: NDArray[np.float32] = module(torch.from_numpy(speech)).numpy()
    return features

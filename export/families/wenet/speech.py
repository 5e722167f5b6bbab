"""Sound like speech, always the same: what windows are tried with."""

import numpy as np
from numpy.typing import NDArray

from export.families.wenet.frontend import SAMPLE_RATE_HZ

_HARMONICS = 24
_SYLLABLES_HZ = 3.7
_LOUDNESS = 0.1


def speech_like(samples: int, seed: int) -> NDArray[np.float32]:
    """Makes a voice that glides, opens and closes, with breath and pauses.

    Args:
        samples: How many, at 16 kHz.
        seed: Which one.

    Returns:
        [samples] float32 in -1..1.
    """
    rng = np.random.default_rng(seed)
    time_s = np.arange(samples) / SAMPLE_RATE_HZ
    pitch_hz = 140 + 30 * np.sin(2 * np.pi * 0.6 * time_s + seed)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE_HZ
    centre = 4 + 3 * np.sin(2 * np.pi * 1.3 * time_s + seed)  # the loudest harmonic wanders
    voice = np.zeros(samples)
    for n in range(1, _HARMONICS + 1):
        voice += np.sin(n * phase) * np.exp(-np.abs(n - centre) / 3)
    syllables = np.maximum(0, np.sin(2 * np.pi * _SYLLABLES_HZ * time_s + seed))
    breath = rng.standard_normal(samples) * (0.02 + 0.3 * np.roll(syllables, 1500) ** 4)
    phrase = np.sin(2 * np.pi * 0.35 * time_s + seed) > -0.8
    sound: NDArray[np.float64] = _LOUDNESS * (voice * syllables + breath) * phrase
    return np.clip(sound, -1, 1).astype(np.float32)

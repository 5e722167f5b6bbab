"""Change of sampling rate."""

from math import gcd

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from export.builtin.wenet.utterances import SAMPLE_RATE_HZ


def to_16_khz(samples: NDArray[np.int16], sample_rate_hz: int) -> NDArray[np.int16]:
    """Resample int16 speech [n] to 16 kHz."""
    if sample_rate_hz == SAMPLE_RATE_HZ:
        return samples
    divisor = gcd(SAMPLE_RATE_HZ, sample_rate_hz)
    resampled = scipy.signal.resample_poly(
        samples.astype(np.float64), SAMPLE_RATE_HZ // divisor, sample_rate_hz // divisor
    )
    return np.asarray(np.clip(np.round(resampled), -32768, 32767), np.int16)

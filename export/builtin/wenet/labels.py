"""Repair of label times, and soft labels per 40 ms feature."""

import numpy as np
from numpy.typing import NDArray

from export.builtin.wenet.phones import PHONES, SILENCE, STOPS
from export.builtin.wenet.utterances import Segment

HOP_S = 0.040
FIRST_CENTRE_S = 0.0425  # centre of the encoder's first output after the window's start

_CELL_S = 0.002
_QUIET_SHARE = 1e-3  # of the utterance's peak
_MAX_CLOSURE_S = 0.130
_MAX_CLOSURE_AFTER_PAUSE_S = 0.070
_KEPT_SHARE = 0.2  # of the phone before the closure


def close_stops(
    segments: list[Segment], samples: NDArray[np.int16], sample_rate_hz: int
) -> list[Segment]:
    """Move each stop's start back over the silence of its closure.

    espeak-ng announces a stop at its burst, so the closure, the very time when the lips are
    shut, is in the phone before it. Other engines label closure and burst as one phone.

    Args:
        segments: phones in order, as the engine timed them.
        samples: the utterance, [n] int16.
        sample_rate_hz: its rate.

    Returns:
        The segments with the starts of stops, and the ends of what is before them, moved.
    """
    quiet = _quiet_cells(samples, sample_rate_hz)
    repaired = list(segments)
    for index in range(1, len(repaired)):
        before, stop = repaired[index - 1], repaired[index]
        if stop.phone not in STOPS or before.phone == stop.phone:
            continue
        start_s = _closure_start_s(before, stop, quiet)
        if start_s < stop.start_s - 2 * _CELL_S:
            repaired[index - 1] = before._replace(end_s=start_s)
            repaired[index] = stop._replace(start_s=start_s)
    return repaired


def _quiet_cells(samples: NDArray[np.int16], sample_rate_hz: int) -> NDArray[np.bool_]:
    cell = int(_CELL_S * sample_rate_hz)
    count = len(samples) // cell
    peaks = np.abs(samples[: count * cell].astype(np.int32)).reshape(count, cell).max(axis=1)
    return np.asarray(peaks < _QUIET_SHARE * peaks.max())


def _closure_start_s(before: Segment, stop: Segment, quiet: NDArray[np.bool_]) -> float:
    limit_s = _MAX_CLOSURE_AFTER_PAUSE_S if before.phone == SILENCE else _MAX_CLOSURE_S
    at_stop = min(round(stop.start_s / _CELL_S), len(quiet) - 1)
    cell = at_stop
    # The event may stand a few cells before or after the true end of the closure.
    if quiet[at_stop : at_stop + 3].any():
        cell = min(at_stop + 3, len(quiet))
        while cell > at_stop and not quiet[cell - 1]:
            cell -= 1
    elif quiet[max(0, at_stop - 3) : at_stop].any():
        while not quiet[cell - 1]:
            cell -= 1
    while cell > 0 and quiet[cell - 1] and (at_stop - cell) * _CELL_S < limit_s:
        cell -= 1
    earliest_s = before.start_s + _KEPT_SHARE * (before.end_s - before.start_s)
    return max(cell * _CELL_S, earliest_s)


def soft_labels(
    segments: list[Segment], start_s: float, count: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Label each 40 ms feature of a window by the shares of the phones in it.

    Args:
        segments: phones in order, in seconds of the recording.
        start_s: where the window starts in the recording; may be negative.
        count: how many features the window has.

    Returns:
        Shares of the phone classes, [count, 28] float32, each row summing to 1 (silence where
        nothing is spoken), and the voiced share, [count] float32.
    """
    shares = np.zeros((count, len(PHONES)), np.float32)
    voiced = np.zeros(count, np.float32)
    first_s = start_s + FIRST_CENTRE_S - HOP_S / 2
    for segment in segments:
        left = (segment.start_s - first_s) / HOP_S
        right = (segment.end_s - first_s) / HOP_S
        for index in range(max(0, int(left)), min(count, int(np.ceil(right)))):
            share = max(0.0, min(right, index + 1) - max(left, index))
            shares[index, segment.phone] += share
            voiced[index] += share * segment.voiced
    shares[:, SILENCE] += np.clip(1 - shares.sum(axis=1), 0, None)
    return shares / shares.sum(axis=1, keepdims=True), np.clip(voiced, 0, 1)

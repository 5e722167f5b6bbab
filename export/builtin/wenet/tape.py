"""The corpus as one long tape, and the windows that the encoder learns from."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from client.errors import InputError
from export.builtin.wenet import utterances as store
from export.builtin.wenet.labels import FIRST_CENTRE_S, HOP_S
from export.builtin.wenet.model import WINDOW_FEATURES, WINDOW_SAMPLES
from export.builtin.wenet.phones import PHONES, SILENCE
from export.builtin.wenet.utterances import SAMPLE_RATE_HZ, Utterance

CELL_SAMPLES = 80  # labels are kept for every 5 ms
_CELLS = 8  # that a feature's 40 ms are looked at in

_SHORT_PAUSE_S, _LONG_PAUSE_S = 0.5, 4.0
_LONG_PAUSE_SHARE = 0.15
_SLOWEST, _FASTEST = 0.82, 1.2
_CUT_SHARE = 0.15  # of windows that begin before a recording, and of those that end after one
_SPEECHLESS_SHARE = 0.06  # of windows: nothing is said in them


class Windows(NamedTuple):
    """Speech [B, 90320] float32 in -1..1, phone shares [B, 140, 28], voiced shares [B, 140]."""

    speech: Tensor
    phones: Tensor
    voiced: Tensor


class Tape(NamedTuple):
    """Speech [n · 80] int16 at 16 kHz; phone classes [n] uint8, voicing [n] bool of its cells."""

    samples: Tensor
    phones: Tensor
    voiced: Tensor

    def to(self, device: torch.device) -> "Tape":
        """Move everything to a device."""
        return Tape(*(part.to(device) for part in self))


def load_tape(folder: Path, held_out: str | None, rng: np.random.Generator) -> Tape:
    """Join the training utterances of a corpus, with pauses between them.

    Args:
        folder: that `synthesise` filled.
        held_out: leave out the files whose names begin so: an engine, or an engine and a voice.
        rng: draws the pauses.

    Raises:
        InputError: the folder holds no such speech.
    """
    paths = sorted(folder.glob("train/*.npz"))
    kept = [path for path in paths if not (held_out and path.name.startswith(held_out))]
    if not kept:
        raise InputError(f"There is no speech in {folder / 'train'}; run `synthesise` first.")
    return _join((utterance for path in kept for utterance in store.load(path)), rng)


def _join(utterances: Iterable[Utterance], rng: np.random.Generator) -> Tape:
    parts = [part for item in utterances for part in (_silence(rng), _cells(item))]
    samples, phones, voiced = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Tape(torch.from_numpy(samples), torch.from_numpy(phones), torch.from_numpy(voiced))


_Cells = tuple[NDArray[np.int16], NDArray[np.uint8], NDArray[np.bool_]]


def _silence(rng: np.random.Generator) -> _Cells:
    longest_s = _LONG_PAUSE_S if rng.random() < _LONG_PAUSE_SHARE else _SHORT_PAUSE_S
    cells = int(rng.uniform(0, longest_s) * SAMPLE_RATE_HZ) // CELL_SAMPLES
    silent = np.full(cells, SILENCE, np.uint8)
    return np.zeros(cells * CELL_SAMPLES, np.int16), silent, np.zeros(cells, np.bool_)


def _cells(utterance: Utterance) -> _Cells:
    """Look up the phone in the middle of every cell of an utterance."""
    count = len(utterance.samples) // CELL_SAMPLES
    middles_s = (np.arange(count) + 0.5) * CELL_SAMPLES / SAMPLE_RATE_HZ
    phones, voiced = np.full(count, SILENCE, np.uint8), np.zeros(count, np.bool_)
    for segment in utterance.segments:
        first, last = np.searchsorted(middles_s, (segment.start_s, segment.end_s))
        phones[first:last], voiced[first:last] = segment.phone, segment.voiced
    return utterance.samples[: count * CELL_SAMPLES], phones, voiced


def windows(tape: Tape, size: int, generator: torch.Generator) -> Iterator[Windows]:
    """Cut batches of windows out of a tape for ever, at random places and speeds.

    Some begin before a recording or end behind it: what is outside is zero, as it is when the
    encoder is used. In some, nothing is said at all.

    Args:
        tape: speech, on the device that the windows are wanted on.
        size: windows in a batch.
        generator: of the same device; draws everything.
    """
    device = tape.samples.device
    clock = torch.arange(WINDOW_SAMPLES, device=device)
    looks = _looks(device)
    room = len(tape.samples) - int(WINDOW_SAMPLES * _FASTEST) - 4

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(size, 1, generator=generator, device=device) * (high - low) + low

    while True:
        starts = (uniform(0, 1).double() * room).long() + 1
        speeds = uniform(_SLOWEST, _FASTEST)
        first = (uniform(0, 0.6) * (uniform(0, 1) < _CUT_SHARE) * WINDOW_SAMPLES).long()
        last = ((1 - uniform(0, 0.6) * (uniform(0, 1) < _CUT_SHARE)) * WINDOW_SAMPLES).long()
        last = last * (uniform(0, 1) >= _SPEECHLESS_SHARE)
        cells = (starts + (looks * speeds).long()) // CELL_SAMPLES
        spoken = (looks >= first) & (looks < last)
        phones = torch.where(spoken, tape.phones[cells].long(), SILENCE)
        speech = resample(tape.samples, starts, speeds, clock)
        yield Windows(
            speech * ((clock >= first) & (clock < last)),
            _shares(nn.functional.one_hot(phones, len(PHONES)).float()),
            _shares((tape.voiced[cells] & spoken).float().unsqueeze(-1)).squeeze(-1),
        )


def _looks(device: torch.device) -> Tensor:
    """Samples of a window, [140 · 8], in which the label of every feature is looked up."""
    cell_s = HOP_S / _CELLS
    places = np.arange(WINDOW_FEATURES * _CELLS) + 0.5
    times_s = FIRST_CENTRE_S - HOP_S / 2 + places * cell_s
    return torch.from_numpy((times_s * SAMPLE_RATE_HZ).astype(np.int64)).to(device)


def _shares(looks: Tensor) -> Tensor:
    """Average [B, 140 · 8, n] over the looks of every feature: [B, 140, n]."""
    return looks.unflatten(1, (WINDOW_FEATURES, _CELLS)).mean(dim=2)


def resample(samples: Tensor, starts: Tensor, speeds: Tensor, clock: Tensor) -> Tensor:
    """Read samples [n] int16 at `starts + clock * speeds`, between them by cubic convolution.

    Source: R. Keys, "Cubic convolution interpolation for digital image processing", 1981
    (a = -1/2).

    Args:
        samples: speech.
        starts: where each window begins, [B, 1]; at least 1.
        speeds: source samples for each sample of the window, [B, 1].
        clock: samples of the window, [W].

    Returns:
        [B, W] float32 in -1..1.
    """
    offsets = clock * speeds
    whole = offsets.floor()
    t = offsets - whole
    places = starts + whole.long()
    before, here, after, beyond = (samples[places + step].float() for step in (-1, 0, 1, 2))
    slope = 0.5 * (after - before)
    bend = before - 2.5 * here + 2 * after - 0.5 * beyond
    curve = 1.5 * (here - after) + 0.5 * (beyond - before)
    return (((curve * t + bend) * t + slope) * t + here) / 32768

"""Train the speech encoder on synthesised speech."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from export.builtin.wenet.dataset import (
    Batch,
    StoredRecording,
    augmented,
    batches,
    load_recordings,
)
from export.builtin.wenet.evaluate import evaluate, report
from export.builtin.wenet.frontend import MEL_BINS
from export.builtin.wenet.model import WINDOW_FEATURES, WINDOW_SAMPLES, SpeechEncoder
from export.builtin.wenet.phones import MOUTH_SHAPES

logger = logging.getLogger(__name__)

_REPORT_EVERY = 100
_SAVE_EVERY = 400
_COPIES = 2  # of the corpus, each changed in its own way


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn."""

    steps: int
    batch_size: int = 16
    peak_rate: float = 1.2e-3
    warm_up_steps: int = 200
    decay_share: float = 0.35  # of the steps, at the end
    weight_decay: float = 0.01
    voicing_weight: float = 0.3
    shape_weight: float = 3.0
    averaging: float = 0.995

    def rate(self, step: int) -> float:
        """Learning rate: linear rise, constant, linear fall."""
        rise = min(1.0, (step + 1) / self.warm_up_steps)
        fall = min(1.0, (1 - step / self.steps) / self.decay_share)
        return self.peak_rate * rise * fall


def train(corpus: Path, checkpoint: Path, steps: int, seed: int = 0) -> None:
    """Train on a corpus and write the averaged weights.

    Args:
        corpus: folder that `synthesise` filled.
        checkpoint: file for the state dict; also written now and then on the way.
        steps: optimiser steps, each on 16 windows of 5.6 s.
        seed: seeds everything that is drawn.

    Raises:
        InputError: the corpus is empty.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    clean = load_recordings(corpus, "train/*.npz", rng)
    recordings = [changed for _ in range(_COPIES) for changed in augmented(clean, rng)]
    logger.info("%d recordings in %d changed copies", len(clean), _COPIES)
    model = SpeechEncoder()
    _store_channels_last(model)
    _set_normalisation(model, recordings, rng)
    average = _learn(model, recordings, Schedule(steps), rng, checkpoint)
    torch.save(average, checkpoint)
    model.load_state_dict(average)
    report(evaluate(model, corpus))


def _store_channels_last(model: SpeechEncoder) -> None:
    """Keep the weights of 2-D convolutions in the order that CPUs compute fastest in."""
    for weight in model.encoder.embed.conv.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)


def _set_normalisation(
    model: SpeechEncoder, recordings: list[StoredRecording], rng: np.random.Generator
) -> None:
    """Take mean and spread of each mel bin from the speech of a few hundred windows."""
    source = batches(recordings, WINDOW_SAMPLES, WINDOW_FEATURES, 200, rng)
    with torch.no_grad():
        mel = model.frontend(torch.from_numpy(next(source).speech)).flatten(0, 1)
    spoken = mel[mel.amax(dim=1) > 0]
    model.encoder.global_cmvn.mean.copy_(spoken.mean(dim=0))
    model.encoder.global_cmvn.istd.copy_(1 / spoken.std(dim=0))


def _learn(
    model: SpeechEncoder,
    recordings: list[StoredRecording],
    schedule: Schedule,
    rng: np.random.Generator,
    checkpoint: Path,
) -> dict[str, Tensor]:
    optimizer = torch.optim.AdamW(
        model.parameters(), betas=(0.9, 0.98), weight_decay=schedule.weight_decay
    )
    average = {name: value.clone() for name, value in model.state_dict().items()}
    source = batches(recordings, WINDOW_SAMPLES, WINDOW_FEATURES, schedule.batch_size, rng)
    model.train()
    for step, batch in zip(range(schedule.steps), source, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step)
        loss = _loss(model, batch, schedule, rng)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        _accumulate(average, model, min(schedule.averaging, step / (step + 10)))
        if step % _REPORT_EVERY == 0:
            logger.info("step %d of %d: loss %.3f", step, schedule.steps, loss.item())
        if step % _SAVE_EVERY == _SAVE_EVERY - 1:
            torch.save(average, checkpoint)
    model.eval()
    return average


def _loss(
    model: SpeechEncoder, batch: Batch, schedule: Schedule, rng: np.random.Generator
) -> Tensor:
    """Cross-entropy of phones and voicing, and squared error of the expected mouth shape."""
    with torch.no_grad():
        mel = disturb(model.frontend(torch.from_numpy(batch.speech)), model, rng)
    with torch.autocast("cpu", torch.bfloat16):
        phone_logits, voicing_logits = model.logits(mel)
    phones, voiced = torch.from_numpy(batch.phones), torch.from_numpy(batch.voiced)
    log_posteriors = phone_logits.float().log_softmax(dim=-1)
    phone_loss = -(phones * log_posteriors).sum(dim=-1).mean()
    voicing_loss = nn.functional.binary_cross_entropy_with_logits(
        voicing_logits.float().squeeze(-1), voiced
    )
    shapes = (log_posteriors.exp() - phones) @ torch.from_numpy(MOUTH_SHAPES)
    shape_loss = shapes.square().sum(dim=-1).mean()
    return phone_loss + schedule.voicing_weight * voicing_loss + schedule.shape_weight * shape_loss


def disturb(mel: Tensor, model: SpeechEncoder, rng: np.random.Generator) -> Tensor:
    """Change log mel windows [B, T, 80] anew at every step.

    Warps the frequency axis (another vocal tract), adds a smooth curve and a level to each
    window (another microphone), and hides two bands.
    """
    if rng.random() < 0.7:
        mel = _warp(mel, float(rng.uniform(0.9, 1.1)))
    knots = rng.normal(0, 1.0, (len(mel), 6)) + rng.normal(0, 0.7, (len(mel), 1))
    places = np.linspace(0, MEL_BINS - 1, knots.shape[1])
    curves = np.stack([np.interp(np.arange(MEL_BINS), places, row) for row in knots])
    mel = mel + torch.from_numpy(curves.astype(np.float32)).unsqueeze(1)
    for _ in range(2):
        first, width = int(rng.integers(0, 70)), int(rng.integers(0, 12))
        band = slice(first, first + width)
        mel[:, :, band] = model.encoder.global_cmvn.mean[band]
    return mel


def _warp(mel: Tensor, factor: float) -> Tensor:
    places = np.clip(np.arange(MEL_BINS) * factor, 0, MEL_BINS - 1.001)
    lower = torch.from_numpy(places.astype(np.int64))
    share = torch.from_numpy((places % 1).astype(np.float32))
    return mel[:, :, lower] * (1 - share) + mel[:, :, lower + 1] * share


def _accumulate(average: dict[str, Tensor], model: SpeechEncoder, keep: float) -> None:
    """Move the running average of weights and statistics towards the present ones."""
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                average[name].lerp_(value, 1 - keep)
            else:
                average[name].copy_(value)

"""Train the speech encoder on synthesised speech."""

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from export.builtin.wenet.augment import Augmenter
from export.builtin.wenet.frontend import MEL_BINS
from export.builtin.wenet.model import CLOSING_POWER, SpeechEncoder
from export.builtin.wenet.phones import LIPS_SHUT, MOUTH_SHAPES
from export.builtin.wenet.tape import Tape, Windows, load_tape, windows

logger = logging.getLogger(__name__)

_REPORT_EVERY = 100
_SAVE_EVERY = 400
_EDGE_FEATURES = 8  # at both ends of a window: too little is heard around them to learn from


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn.

    Attributes:
        steps: Optimiser steps, each on `batch_size` windows of 5.6 s.
        decay_share: Of the steps, at the end.
    """

    steps: int
    batch_size: int
    peak_rate: float = 1.2e-3
    warm_up_steps: int = 200
    decay_share: float = 0.5
    weight_decay: float = 0.01
    averaging: float = 0.998

    def rate(self, step: int) -> float:
        """Learning rate: linear rise, constant, linear fall."""
        rise = min(1.0, (step + 1) / self.warm_up_steps)
        fall = min(1.0, (1 - step / self.steps) / self.decay_share)
        return self.peak_rate * rise * fall


def schedule_for(device: torch.device) -> Schedule:
    """What suits a device: ten minutes on a large GPU, a night on two processor cores."""
    if device.type == "cuda":
        return Schedule(steps=4000, batch_size=256, peak_rate=2e-3)
    return Schedule(steps=24_000, batch_size=32)


class Trainer:
    """An encoder in training: all that a later run needs to go on where this one stopped.

    Args:
        tape: Speech to learn from, on the device to learn on.
        schedule: How long and how fast.
        seed: Seeds everything that is drawn.
    """

    def __init__(self, tape: Tape, schedule: Schedule, seed: int) -> None:
        torch.manual_seed(seed)
        self.step = 0
        self._device, self._schedule, self._tape = tape.samples.device, schedule, tape
        self._generator = torch.Generator(self._device).manual_seed(seed)
        self._augment = Augmenter(self._generator)
        self._model = SpeechEncoder().to(self._device)
        self._shapes = torch.from_numpy(MOUTH_SHAPES).to(self._device)
        self._set_normalisation()
        self._optimizer = torch.optim.AdamW(
            self._model.parameters(), betas=(0.9, 0.98), weight_decay=schedule.weight_decay
        )
        self.average = {name: value.clone() for name, value in self._model.state_dict().items()}

    def _set_normalisation(self) -> None:
        """Take mean and spread of each mel bin from the speech of a few hundred windows."""
        speech = self._augment(next(windows(self._tape, 256, self._generator)).speech)
        with torch.no_grad():
            mel = self._model.frontend(speech).flatten(0, 1)
        spoken = mel[mel.amax(dim=1) > 0]
        self._model.encoder.global_cmvn.mean.copy_(spoken.mean(dim=0))
        self._model.encoder.global_cmvn.istd.copy_(1 / spoken.std(dim=0))

    def save(self, path: Path) -> None:
        """Write everything, whole or not at all."""
        state = {
            "step": self.step,
            "model": self._model.state_dict(),
            "average": self.average,
            "optimizer": self._optimizer.state_dict(),
            "generator": self._generator.get_state(),
        }
        save_whole(state, path)

    def resume(self, path: Path) -> None:
        """Go on from what `save` wrote."""
        state: dict[str, Any] = torch.load(path, map_location=self._device, weights_only=True)
        self.step = state["step"]
        self._model.load_state_dict(state["model"])
        self.average = state["average"]
        self._optimizer.load_state_dict(state["optimizer"])
        self._generator.set_state(state["generator"].cpu())
        logger.info("going on from step %d", self.step)

    def run(self, progress: Path, seconds: float | None) -> bool:
        """Learn until the schedule or the time is over; tells whether the schedule is."""
        started_s = time.monotonic()
        source = windows(self._tape, self._schedule.batch_size, self._generator)
        self._model.train()
        while self.step < self._schedule.steps:
            if seconds is not None and time.monotonic() - started_s > seconds:
                break
            loss = self._learn(next(source))
            if self.step % _REPORT_EVERY == 0:
                passed_s = time.monotonic() - started_s
                logger.info(
                    "step %d of %d, %.0f s: loss %.3f",
                    self.step, self._schedule.steps, passed_s, loss.item(),
                )  # fmt: skip
            if self.step % _SAVE_EVERY == 0:
                self.save(progress)
        self.save(progress)
        return self.step >= self._schedule.steps

    def _learn(self, batch: Windows) -> Tensor:
        for group in self._optimizer.param_groups:
            group["lr"] = self._schedule.rate(self.step)
        loss = self._loss(batch)
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self._model.parameters(), 2.0)
        self._optimizer.step()
        self.step += 1
        self._accumulate(min(self._schedule.averaging, self.step / (self.step + 10)))
        return loss.detach()

    def _loss(self, batch: Windows) -> Tensor:
        """Cross-entropy of phones, voicing and closure, and squared error of the mouth."""
        with torch.no_grad():
            mel = self._disturb(self._model.frontend(self._augment(batch.speech)))
        with torch.autocast(self._device.type, torch.bfloat16):
            logits = self._model.logits(mel)
        inner = slice(_EDGE_FEATURES, -_EDGE_FEATURES)
        phones, voiced = batch.phones[:, inner], batch.voiced[:, inner]
        said, voicing, mouth, closure = (part[:, inner].float() for part in logits)
        shut = phones[..., sorted(LIPS_SHUT)].sum(dim=-1).clamp(0, 1)
        shape = phones @ self._shapes
        shape[..., 0] *= (1 - shut) ** CLOSING_POWER
        binary = nn.functional.binary_cross_entropy_with_logits
        return (
            -(phones * said.log_softmax(dim=-1)).sum(dim=-1).mean()
            + 0.3 * binary(voicing.squeeze(-1), voiced)
            + 1.0 * binary(closure.squeeze(-1), shut)
            + 8.0 * (mouth - shape).square().sum(dim=-1).mean()
        )

    def _disturb(self, mel: Tensor) -> Tensor:
        """Change log mel windows [B, T, 80].

        Warps the frequency axis (another vocal tract) and hides two bands.
        """
        count = len(mel)

        def uniform(low: float, high: float) -> Tensor:
            drawn = torch.rand(count, 1, generator=self._generator, device=self._device)
            return drawn * (high - low) + low

        bins = torch.arange(MEL_BINS, device=self._device)
        warp = torch.where(uniform(0, 1) < 0.7, uniform(0.88, 1.12), 1.0)
        places = (bins * warp).clamp(max=MEL_BINS - 1.001)
        lower = places.long().unsqueeze(1).expand_as(mel)
        share = (places % 1).unsqueeze(1)
        mel = mel.gather(2, lower) * (1 - share) + mel.gather(2, lower + 1) * share
        for _ in range(2):
            first = uniform(0, 70)
            hidden = (bins >= first) & (bins < first + uniform(0, 12))
            mel = torch.where(hidden.unsqueeze(1), self._model.encoder.global_cmvn.mean, mel)
        return mel

    def _accumulate(self, keep: float) -> None:
        """Move the running average of weights and statistics towards the present ones."""
        with torch.no_grad():
            for name, value in self._model.state_dict().items():
                if value.is_floating_point():
                    self.average[name].lerp_(value, 1 - keep)
                else:
                    self.average[name].copy_(value)


def save_whole(state: dict[str, Any], path: Path) -> None:
    """Write a state, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}")
    torch.save(state, partial)
    partial.replace(path)


def train(
    corpus: Path,
    checkpoint: Path,
    steps: int | None = None,
    held_out: str | None = None,
    seed: int = 0,
    seconds: float | None = None,
) -> None:
    """Train on a corpus and write the averaged weights; goes on where an earlier run stopped.

    Args:
        corpus: folder that `synthesise` filled.
        checkpoint: file for the state dict; what a later run needs stands beside it.
        steps: optimiser steps; as many as suit the device if not given.
        held_out: an engine, or an engine and a voice, that is not trained on.
        seed: seeds everything that is drawn.
        seconds: stop before the end after so long.

    Raises:
        InputError: the corpus is empty.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tape = load_tape(corpus, held_out, np.random.default_rng(seed))
    logger.info("%.1f hours of speech, on %s", len(tape.samples) / 16_000 / 3600, device)
    schedule = schedule_for(device)
    schedule = replace(schedule, steps=steps or schedule.steps)
    trainer = Trainer(tape.to(device), schedule, seed)
    progress = checkpoint.with_suffix(".progress")
    if progress.exists():
        trainer.resume(progress)
    if trainer.run(progress, seconds):
        save_whole({name: value.cpu() for name, value in trainer.average.items()}, checkpoint)
    else:
        logger.info("stopped at step %d; the same command goes on from there", trainer.step)

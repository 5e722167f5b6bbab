"""The recording to one feature track: windows go to the encoder concurrently, cores come back."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log10

import numpy as np
from numpy.typing import NDArray

from client.errors import MediaError
from client.model import ServedModel
from orchestrator.pipeline.flow import Threads, run_stage
from orchestrator.pipeline.models import JobModels
from orchestrator.pipeline.progress import Progress
from orchestrator.pipeline.spool import Rows
from orchestrator.pipeline.state import StageState
from orchestrator.speech.windows import FEATURE_RATE, Samples, speech_windows

_QUIET_DBFS = -45.0  # ordinary recordings have -30 to -10; the built-in encoder fails below -50
_JUDGED_S = Fraction(1, 2)
_NOTHING = 1e-10


@dataclass(frozen=True)
class Speech:
    """The features of a recording, its exact length and its level.

    Attributes:
        features: float32 [N, D], 25 per second; on disk.
        duration_s: Length of the decoded recording.
        loudest_dbfs: Power of its loudest block, about a second; a full-scale square wave has 0.
    """

    features: Rows
    duration_s: Fraction
    loudest_dbfs: float

    @property
    def is_quiet(self) -> bool:
        """Whether hardly anything was heard in it, as far as its length lets one judge."""
        return self.duration_s >= _JUDGED_S and self.loudest_dbfs < _QUIET_DBFS


class _Counted:
    """Counts and measures samples while they stream past."""

    def __init__(self, blocks: Iterable[Samples]) -> None:
        self._blocks = iter(blocks)
        self._loudest = 0.0
        self.samples = 0

    @property
    def loudest_dbfs(self) -> float:
        return 10 * log10(max(self._loudest, _NOTHING))

    def __iter__(self) -> "_Counted":
        return self

    def __next__(self) -> Samples:
        block = next(self._blocks)
        self.samples += len(block)
        self._loudest = max(self._loudest, float(np.square(block).mean()))
        return block


async def listen(
    models: JobModels, blocks: Iterable[Samples], expected_s: Fraction, progress: Progress
) -> Speech:
    """Encodes a recording.

    Args:
        models: The job's models.
        blocks: Mono samples at the encoder's sample rate, in order.
        expected_s: Length that the file declares, for the progress only.
        progress: Receives one step per window.

    Raises:
        MediaError: If the recording holds no sound at all.
    """
    window, counted = models.speech_window, _Counted(blocks)
    windows = speech_windows(
        counted,
        left_context=window.left_context,
        core=window.core,
        right_context=window.right_context,
    )
    progress.start("listen", ceil(expected_s * window.sample_rate / window.core) or None)
    features = await _encode(models.wenet, windows, progress, models.depths["wenet"])
    progress.finish("listen")
    duration_s = Fraction(counted.samples, window.sample_rate)
    if not len(features):
        raise MediaError("The recording holds no sound: give one with at least one sample.")
    features.cut(ceil(duration_s * FEATURE_RATE))
    return Speech(features, duration_s, counted.loudest_dbfs)


async def _encode(
    model: ServedModel, windows: Iterable[Samples], progress: Progress, depth: int
) -> Rows:
    threads, features = Threads("listen"), Rows(model.outputs["features"].shape[1:])
    state = StageState(sink="the features")
    progress.follow(state)

    async def infer(samples: Samples) -> NDArray[np.float32]:
        outputs = await model(speech=samples[None])
        return np.asarray(outputs["features"][0], np.float32)

    async def collect(core: NDArray[np.float32]) -> None:
        features.append(core)
        progress.advance("listen")

    try:
        await run_stage(iter(windows), infer, collect, depth, threads, state)
    finally:
        threads.close()
    return features

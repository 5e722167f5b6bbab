"""A job that is ready to speak: what it heard and whom it saw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.pipeline.avatar import PreparedAvatar
from orchestrator.pipeline.listen import Speech
from orchestrator.pipeline.speak import Speaking
from orchestrator.pipeline.work import Work
from orchestrator.speech.windows import FEATURE_RATE

_OPENING = {"lipsync-v1": 30}  # kind of features to the column that tells how open the mouth is


@dataclass(frozen=True)
class Take:
    """All that the frames of a job are made of, but the clip."""

    work: Work
    speech: Speech
    avatar: PreparedAvatar

    async def anew(self, work: Work, role: str, total: int) -> "Take":
        """The same with models of which one, by its role, is another; what it makes is made anew.

        Args:
            work: The job with those models.
            role: Whose model is another.
            total: How many frames of output there are.
        """
        hears, looks = role == "wenet", role in ("face_detection", "face_landmarks")
        looks |= work.models.crop != self.work.models.crop
        return Take(
            work,
            await work.hear() if hears else self.speech,
            await work.look(total) if looks else self.avatar,
        )

    def speaking(self, first: int) -> Speaking:
        """Pass 2 from a frame of the output on."""
        return Speaking(
            self.work.models,
            self.avatar,
            self.speech,
            self.work.source.colour(),
            self.work.source.video.frame_rate,
            self.work.progress,
            idle=self.work.idle,
            restoration=self.work.settings.faces.restoration,
            first=first,
        )

    def widest(self, order: Sequence[int]) -> int:
        """The frame of the output that shows a face with its mouth open most widely.

        Args:
            order: Index in the clip of every frame of the output.

        Returns:
            Its number; where the features are of an unknown kind, the first that shows a face.
        """
        shown = np.array([self.avatar.shows(index) for index in order])
        return int(np.argmax(np.where(shown, self._openings(len(order)), -1)))

    def _openings(self, count: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        """How open the mouth of each frame is, 0..1; 0 where the features do not tell."""
        column = _OPENING.get(self.work.models.wenet.manifest.feature_kind or "")
        if column is None:
            return np.zeros(count, np.float32)
        features, rate = self.speech.features, self.work.source.video.frame_rate
        at_s = (np.arange(count) + 0.5) / float(rate)
        rows = np.minimum(at_s * FEATURE_RATE, len(features) - 1).astype(int)
        return features.take(rows)[:, column]

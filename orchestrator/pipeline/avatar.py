"""What pass 1 learns about a clip: where the speaking faces are, and their reference frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.compositor import Reference


@dataclass(frozen=True)
class ReferenceSet:
    """Reference frames of one face, as the model wants them and as the compositor samples them.

    Attributes:
        faces: uint8 [R, S, S, 3] RGB crops.
        meshes: float32 [R, N, 2] in 0..1 of the crops.
        natives: Native pixels of the same frames.
    """

    faces: NDArray[np.uint8]
    meshes: NDArray[np.float32]
    natives: Sequence[Reference]


@dataclass(frozen=True)
class ShownFace:
    """One face in one frame.

    Attributes:
        mesh: float32 [N, 2], smoothed, in native pixels.
        weight: How much of the speaking face the frame shows, above 0 and at most 1.
        references: Its reference frames.
    """

    mesh: NDArray[np.float32]
    weight: float
    references: ReferenceSet


@dataclass(frozen=True)
class PreparedFace:
    """One followed face, in the frames from its first to its last.

    Attributes:
        first_frame: Frame that row 0 of the arrays belongs to.
        meshes: float32 [F, N, 2], smoothed, in native pixels; undefined where the weight is 0.
        weights: float32 [F] in 0..1: how much of the speaking face each frame shows; 0 without a
            face, ramps where the face comes and goes.
        references: Reference frames.
    """

    first_frame: int
    meshes: NDArray[np.float32]
    weights: NDArray[np.float32]
    references: ReferenceSet

    def shown(self, frame: int) -> ShownFace | None:
        """The face in a frame of the clip; None where nothing of it shows."""
        row = frame - self.first_frame
        if not 0 <= row < len(self.weights) or self.weights[row] <= 0:
            return None
        return ShownFace(self.meshes[row], float(self.weights[row]), self.references)


@dataclass(frozen=True)
class PreparedAvatar:
    """The faces of a clip that speak."""

    faces: Sequence[PreparedFace]

    def shown(self, frame: int) -> list[ShownFace]:
        """The faces to paint in a frame of the clip, in the order of painting."""
        return [shown for face in self.faces if (shown := face.shown(frame)) is not None]

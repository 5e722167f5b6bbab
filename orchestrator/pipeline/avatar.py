"""What pass 1 learns about a clip: where the face is in every frame, and its reference frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.compositor import Reference


@dataclass(frozen=True)
class ReferenceSet:
    """Reference frames of one clip, as the model wants them and as the compositor samples them.

    Attributes:
        faces: uint8 [R, S, S, 3] RGB crops.
        meshes: float32 [R, N, 2] in 0..1 of the crops.
        natives: Native pixels of the same frames.
    """

    faces: NDArray[np.uint8]
    meshes: NDArray[np.float32]
    natives: Sequence[Reference]


@dataclass(frozen=True)
class PreparedAvatar:
    """The followed face of a clip.

    Attributes:
        meshes: float32 [F, N, 2], smoothed, in native pixels; undefined where no face is.
        weights: float32 [F] in 0..1: how much of the speaking face each frame shows; 0 without a
            face, ramps where the face comes and goes.
        references: Reference frames.
    """

    meshes: NDArray[np.float32]
    weights: NDArray[np.float32]
    references: ReferenceSet

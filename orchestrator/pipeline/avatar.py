"""What pass 1 learns about a clip: where the speaking faces are, and their reference frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.compositor import Reference
from orchestrator.faces.crops import FaceCrop
from orchestrator.faces.geometry import Affine
from orchestrator.pipeline.spool import Kept, Rows, Spool

_LOADED_SETS = 16  # more than speak in one scene; the others stay on disk


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """Reference frames of one face, as the model wants them and as the compositor samples them.

    Two sets are the same only if they are one object.

    Attributes:
        faces: uint8 [R, S, S, 3] RGB crops.
        meshes: float32 [R, N, 2] in 0..1 of the crops.
        natives: Native pixels of the same frames.
    """

    faces: NDArray[np.uint8]
    meshes: NDArray[np.float32]
    natives: Sequence[Reference]


@dataclass(frozen=True)
class KeptReference:
    """One reference frame on disk.

    Attributes:
        face: uint8 [S, S, 3].
        mesh: float32 [N, 2] in 0..1 of the crop.
        planes: Native pixels.
        affine: The crop among them.
    """

    face: Kept
    mesh: Kept
    planes: tuple[Kept, Kept, Kept]
    affine: Affine


@dataclass(frozen=True)
class KeptReferences:
    """A reference set on disk."""

    spool: Spool
    frames: Sequence[KeptReference]

    def load(self) -> ReferenceSet:
        """Reads the set."""
        read = self.spool.read
        natives = []
        for frame in self.frames:
            y, u, v = (read(plane) for plane in frame.planes)
            natives.append(Reference((y, u, v), frame.affine))
        return ReferenceSet(
            faces=np.stack([read(frame.face) for frame in self.frames]),
            meshes=np.stack([read(frame.mesh) for frame in self.frames]),
            natives=natives,
        )


@dataclass(frozen=True)
class ShownFace:
    """One face in one frame.

    Attributes:
        mesh: float32 [N, 2], smoothed, in native pixels.
        weight: How much of the speaking face the frame shows, above 0 and at most 1.
        references: Its reference frames.
        crop: How the renderer's crop lies on it.
    """

    mesh: NDArray[np.float32]
    weight: float
    references: ReferenceSet
    crop: FaceCrop

    @property
    def affine(self) -> Affine:
        """The renderer's crop in the frame."""
        return self.crop(self.mesh)


@dataclass(frozen=True)
class PreparedFace:
    """One person in one scene.

    Attributes:
        frames: int64 [P], the frames that show the face, ascending.
        meshes: float32 [P, N, 2], smoothed, in native pixels.
        weights: float32 [P] in 0..1: how much of the speaking face each of them shows; ramps where
            the face comes and goes, 0 where it is turned away or very small.
        references: Reference frames.
        crop: How the renderer's crop lies on the face.
    """

    frames: NDArray[np.int64]
    meshes: Rows
    weights: NDArray[np.float32]
    references: KeptReferences
    crop: FaceCrop

    def row(self, frame: int) -> int | None:
        """Where a frame of the clip lies in the arrays; None where nothing of the face shows."""
        row = int(np.searchsorted(self.frames, frame))
        if row == len(self.frames) or self.frames[row] != frame or self.weights[row] <= 0:
            return None
        return row


class PreparedAvatar:
    """The faces of a clip that speak, in the order of painting."""

    def __init__(self, faces: Sequence[PreparedFace]) -> None:
        self.faces = faces
        self._references = lru_cache(_LOADED_SETS)(lambda place: faces[place].references.load())

    def shows(self, frame: int) -> bool:
        """Whether a frame of the clip shows a face to paint."""
        return any(face.row(frame) is not None for face in self.faces)

    def shown(self, frame: int) -> list[ShownFace]:
        """The faces to paint in a frame of the clip."""
        return [
            ShownFace(
                face.meshes[row], float(face.weights[row]), self._references(place), face.crop
            )
            for place, face in enumerate(self.faces)
            if (row := face.row(frame)) is not None
        ]

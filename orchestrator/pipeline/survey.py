"""Pass 1's only look at every frame of a clip: what was seen is kept on disk."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.observations import ObservationLog, Observations
from orchestrator.faces.scenes import Changes
from orchestrator.media.frames import Frame
from orchestrator.pipeline.flow import Threads, run_stage
from orchestrator.pipeline.observe import Observer, Seen
from orchestrator.pipeline.progress import Progress
from orchestrator.pipeline.spool import Rows
from orchestrator.pipeline.state import StageState


@dataclass(frozen=True)
class Survey:
    """What was seen in a clip.

    Attributes:
        frame_count: Number of frames.
        picture: Width and height.
        changes: float32 [F, 6], how pictures differ, from `Changes`.
        observations: All faces of all frames.
        meshes: float32 [M, N, 2] of the same faces, in native pixels.
    """

    frame_count: int
    picture: tuple[int, int]
    changes: NDArray[np.float32]
    observations: Observations
    meshes: Rows


class _Notes:
    """Grows while frames are looked at, in order."""

    def __init__(self, mesh_points: int) -> None:
        self._log = ObservationLog()
        self._meshes = Rows((mesh_points, 2))
        self._compared, self._changes = Changes(), bytearray()
        self._picture = (0, 0)
        self._frame_count = 0

    def add(self, seen: Seen) -> None:
        self._picture = seen.picture
        self._changes += self._compared.add(seen.content).tobytes()
        for face in seen.faces:
            self._log.add(self._frame_count, face.box, face.look)
            self._meshes.append(face.mesh[None])
        self._frame_count += 1

    def read(self) -> Survey:
        changes = np.frombuffer(bytes(self._changes), np.float32)
        return Survey(
            frame_count=self._frame_count,
            picture=self._picture,
            changes=changes.reshape(self._frame_count, -1),
            observations=self._log.read(),
            meshes=self._meshes,
        )


async def survey(
    frames: Iterator[Frame],
    observer: Observer,
    threads: Threads,
    progress: Progress,
    *,
    mesh_points: int,
    depth: int,
) -> Survey:
    """Looks at every frame.

    Args:
        frames: Of the clip, from its start.
        observer: Looks at one.
        threads: Where the clip is decoded.
        progress: Receives one step of "prepare" per frame.
        mesh_points: Vertices of a mesh.
        depth: How many frames are looked at together.

    Raises:
        OutputError: If the temporary folder is full.
    """
    notes = _Notes(mesh_points)

    async def note(seen: Seen) -> None:
        notes.add(seen)
        observer.forget(seen.index)
        progress.advance("prepare")

    state = StageState(work="the cropping", sink="the faces' tracks and references")
    progress.follow(state)
    await run_stage(frames, observer.observe, note, depth, threads, state)
    return notes.read()

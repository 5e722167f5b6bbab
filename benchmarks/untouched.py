"""Which samples of a clip a losslessly encoded result changed, plane by plane.

    orchestrator generate --video CLIP --audio SPEECH --output OUT.mp4 --crf 0
    python -m benchmarks.untouched CLIP OUT.mp4 [--picture CHANGED.png]

Both files are decoded as they are stored, by FFmpeg alone. The clip must play forwards from its
start at a constant rate, stored upright.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.plane import VideoPlane
from numpy.typing import NDArray

Codes = NDArray[np.unsignedinteger[Any]]
Changed = NDArray[np.int64]


@dataclass
class Untouched:
    """What a comparison found.

    Attributes:
        pixel_format: Of both files.
        frames: Compared frames.
        counts: Per plane, int64 [H,W]: in how many frames each sample was changed.
    """

    pixel_format: str
    frames: int
    counts: list[Changed]

    def rows(self) -> Iterator[str]:
        """One line per plane: size, changed share, and the box that holds every change."""
        for name, counts in zip("YUV", self.counts, strict=True):
            height, width = counts.shape
            share = counts.sum() / (counts.size * self.frames)
            yield (
                f"{name} {width}x{height}: {share:8.4%} of the samples changed, "
                f"all within {_box(counts)}"
            )


def compare(clip: Path, result: Path) -> Untouched:
    """Compares the frames of a result with those of its clip, up to the shorter one's end.

    Raises:
        ValueError: If size or pixel format differ.
    """
    counts: list[Changed] = []
    frames, pixel_format = 0, ""
    for before, after in zip(_decoded(clip), _decoded(result), strict=False):
        pixel_format = after.format.name
        if pixel_format != before.format.name.replace("yuvj", "yuv"):
            raise ValueError(f"{clip} is {before.format.name}, {result} is {pixel_format}")
        changed = [a != b for a, b in zip(_planes(before), _planes(after), strict=True)]
        counts = counts or [np.zeros(plane.shape, np.int64) for plane in changed]
        for total, plane in zip(counts, changed, strict=True):
            total += plane
        frames += 1
    return Untouched(pixel_format, frames, counts)


def _decoded(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        yield from container.decode(video=0)


def _planes(frame: av.VideoFrame) -> list[Codes]:
    deep = frame.format.components[0].bits > 8
    return [_rows(plane, np.dtype(np.uint16 if deep else np.uint8)) for plane in frame.planes]


def _rows(plane: VideoPlane, kind: np.dtype[np.unsignedinteger[Any]]) -> Codes:
    return np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)[:, : plane.width]


def _box(counts: Changed) -> str:
    rows, columns = np.flatnonzero(counts.any(axis=1)), np.flatnonzero(counts.any(axis=0))
    if not len(rows):
        return "nothing"
    return f"columns {columns[0]}-{columns[-1]}, rows {rows[0]}-{rows[-1]}"


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("clip", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--picture", type=Path, help="PNG: how often each luma sample changed")
    given = parser.parse_args()
    found = compare(given.clip, given.result)
    print(f"{found.frames} frames, {found.pixel_format}")
    print("\n".join(found.rows()))
    if given.picture:
        luma = found.counts[0] * (255 / max(found.frames, 1))
        cv2.imwrite(str(given.picture), luma.astype(np.uint8))
    return 0


if __name__ == "__main__":
    sys.exit(_main())

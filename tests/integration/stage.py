"""Pictures of one or more people, made from the shipped portrait, as frames of a clip."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.media.frames import Frame

Picture = NDArray[np.uint8]
Walk = Callable[[int], tuple[float, float, float] | None]
"""Frame to the middle (x, y) and height of a face in pixels; None where the person is away."""

COLOUR = Colour.named("bt709")
_PORTRAIT = Path(__file__).parents[1] / "data" / "portrait.jpg"
_HEAD = (slice(0, 300), slice(76, 376))
_FACE_MIDDLE = (147.0, 122.0)  # in the head's pixels
_FACE_HEIGHT = 128.0
_TINTS = {"anne": (1.0, 1.0, 1.0), "bert": (0.72, 0.62, 0.55)}


@dataclass(frozen=True)
class Actor:
    """Anne is the person of the portrait; Bert is her mirror image, of darker complexion."""

    name: str
    walk: Walk


def standing(x: float, y: float, height: float) -> Walk:
    return lambda frame: (x, y, height)


def played(
    actors: Sequence[Actor], frames: range, width: int = 640, height: int = 360
) -> Iterator[Picture]:
    """Draws the frames of a scene; later actors stand before earlier ones."""
    room = _room(width, height)
    for frame in frames:
        picture = room.copy()
        for actor in actors:
            place = actor.walk(frame)
            if place is not None:
                picture = _drawn(picture, actor.name, *place)
        yield np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def clip_of(pictures: Sequence[Picture]) -> Callable[[], Iterator[Frame]]:
    """The pictures as decoded frames, 8-bit 4:2:0."""

    def frames() -> Iterator[Frame]:
        for index, picture in enumerate(pictures):
            yuv = COLOUR.to_yuv(picture)
            size = (picture.shape[1] // 2, picture.shape[0] // 2)
            chroma = cv2.resize(yuv[..., 1:], size, interpolation=cv2.INTER_AREA)
            y, u, v = yuv[..., 0], chroma[..., 0], chroma[..., 1]
            yield Frame(index, (_plane(y), _plane(u), _plane(v)))

    return frames


def _plane(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.clip(np.rint(values), 0, 255), np.uint8)


@cache
def _head(name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A head and how far it covers what is behind it."""
    photo = cv2.cvtColor(np.asarray(cv2.imread(str(_PORTRAIT)), np.uint8), cv2.COLOR_BGR2RGB)
    head = photo[_HEAD].astype(np.float32) * np.array(_TINTS[name], np.float32)
    cover = np.zeros(head.shape[:2], np.float32)
    cv2.ellipse(cover, (147, 130), (110, 140), 0, 0, 360, 1.0, -1)
    cover = _blurred(cover, 6)
    return (head, cover) if name == "anne" else (head[:, ::-1].copy(), cover)


def _drawn(
    picture: NDArray[np.float32], name: str, x: float, y: float, face_height: float
) -> NDArray[np.float32]:
    head, cover = _head(name)
    scale = face_height / _FACE_HEIGHT
    middle_x = _FACE_MIDDLE[0] if name == "anne" else head.shape[1] - 1 - _FACE_MIDDLE[0]
    if scale < 1:
        head, cover = _blurred(head, 0.4 / scale), _blurred(cover, 0.4 / scale)
    matrix = np.array([[scale, 0, x - scale * middle_x], [0, scale, y - scale * _FACE_MIDDLE[1]]])
    size = (picture.shape[1], picture.shape[0])
    drawn = cv2.warpAffine(head, matrix, size, flags=cv2.INTER_CUBIC)
    share = cv2.warpAffine(cover, matrix, size, flags=cv2.INTER_LINEAR)[..., None]
    return np.asarray(picture + share * (drawn - picture), np.float32)


def _blurred(picture: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def _room(width: int, height: int) -> NDArray[np.float32]:
    """A plain room: a wall with a soft fall of light, and a darker floor."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    light = 150 + 40 * np.cos(3 * columns / width) - 60 * (rows > 0.8 * height)
    return np.asarray(light[..., None] * np.array([1.0, 0.97, 0.9]), np.float32)

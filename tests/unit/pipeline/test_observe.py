"""The search for faces depends on the frames alone, not on the order in which answers come."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.media.frames import Frame
from orchestrator.pipeline.flow import Threads
from orchestrator.pipeline.models import JobModels
from orchestrator.pipeline.observe import Observer, Seen

SIZE = 192
WIDTH, HEIGHT = 960, 480
SMALLEST_SEEN = 0.06  # of a square's side, by the detector below


class BrightSpots:
    """Detects bright squares that are large enough in the picture it is given."""

    def __init__(self, *, hurried: bool) -> None:
        self.calls = 0
        self._random = None if hurried else np.random.default_rng(3)

    async def detect(self, image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        self.calls += 1
        await self._wait()
        detections = np.zeros((1, 16, 15), np.float32)
        rows, columns = np.nonzero(image[0, ..., 0] > 128)
        if len(rows) and np.ptp(rows) > SMALLEST_SEEN * SIZE:
            box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            detections[0, 0, :5] = *box, 0.9
            detections[0, 0, 5:9] = box[0], box[1], box[2], box[1]
        return {"detections": detections}

    async def locate(self, face: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        await self._wait()
        rows, columns = np.nonzero(face[0, ..., 0] > 128)
        mesh = np.zeros((468, 2), np.float32)
        mesh[:, 0] = np.linspace(columns.min(), columns.max() + 1, 468) / SIZE
        mesh[:, 1] = np.linspace(rows.min(), rows.max() + 1, 468) / SIZE
        mesh[[33, 263]] = mesh[0], (mesh[-1, 0], mesh[0, 1])
        return {"mesh": mesh[None], "presence": np.ones((1, 1), np.float32)}

    async def _wait(self) -> None:
        if self._random is not None:
            await asyncio.sleep(self._random.uniform(0, 0.003))


def spot(index: int, side: int, x: int = 600, y: int = 200) -> Frame:
    luma = np.full((HEIGHT, WIDTH), 16, np.uint8)
    luma[y : y + side, x : x + side] = 235
    grey = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    return Frame(index, (luma, grey, grey.copy()))


@pytest_asyncio.fixture
async def threads() -> AsyncIterator[Threads]:
    owned = Threads("test-observe", 2)
    yield owned
    owned.close()


def observer(models: BrightSpots, threads: Threads) -> Observer:
    served: Any = SimpleNamespace(
        face_detection=models.detect,
        face_landmarks=models.locate,
        extents={"face_detection": {"H": SIZE}, "face_landmarks": {"S": SIZE, "N": 468}},
    )
    return Observer(
        cast(JobModels, served),
        Colour.named("bt709"),
        threads,
        frame_rate=Fraction(10),  # searched at every fourth frame
        presence_threshold=0.5,
        at_most=4,
    )


async def seen(frames: Sequence[Frame], models: BrightSpots, threads: Threads) -> list[Seen]:
    looking = observer(models, threads)
    return list(await asyncio.gather(*(looking.observe(frame) for frame in frames)))


async def test_a_face_that_the_thumbnail_shows_is_not_searched_for(threads: Threads) -> None:
    models = BrightSpots(hurried=True)
    (first, _) = await seen([spot(0, 120), spot(1, 120)], models, threads)
    assert models.calls == 2
    np.testing.assert_allclose(first.faces[0].box, (600, 200, 720, 320), atol=6)


async def test_a_small_face_is_found_in_every_frame(threads: Threads) -> None:
    frames = [spot(index, 40, x=600 + 3 * index) for index in range(8)]
    found = await seen(frames, BrightSpots(hurried=True), threads)
    middles = [float(item.faces[0].box[[0, 2]].mean()) for item in found]
    assert middles == pytest.approx([620 + 3 * index for index in range(8)], abs=3)


async def test_between_searches_only_the_neighbourhood_is_looked_at(threads: Threads) -> None:
    searching, following = BrightSpots(hurried=True), BrightSpots(hurried=True)
    await seen([spot(0, 40)], searching, threads)
    await seen([spot(index, 40) for index in range(4)], following, threads)
    assert following.calls == searching.calls + 3 * 2  # thumbnail and neighbourhood


async def test_a_clip_that_shows_nobody_is_searched_now_and_then(threads: Threads) -> None:
    searching, nobody = BrightSpots(hurried=True), BrightSpots(hurried=True)
    await seen([spot(0, 0)], searching, threads)
    found = await seen([spot(index, 0) for index in range(4)], nobody, threads)
    assert nobody.calls == searching.calls + 3
    assert not any(item.faces for item in found)


async def test_the_order_of_answers_changes_nothing(threads: Threads) -> None:
    sides = [40, 0, 40, 120, 40, 40, 0, 40, 0, 40, 40, 40, 120, 40, 40, 40]
    frames = [spot(index, side) for index, side in enumerate(sides)]
    hurried = await seen(frames, BrightSpots(hurried=True), threads)
    delayed = await seen(frames, BrightSpots(hurried=False), threads)
    for one, other in zip(hurried, delayed, strict=True):
        assert [face.box.tolist() for face in one.faces] == [f.box.tolist() for f in other.faces]

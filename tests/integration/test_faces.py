"""Faces over time on the real models: who is found, who is followed, who speaks."""

import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.joints import judge, measure
from benchmarks.sync.faces import FaceMesher
from client.connection import Connection
from client.errors import NoFaceError
from orchestrator.faces.choice import FaceChoice
from orchestrator.pipeline.avatar import PreparedAvatar, PreparedFace
from orchestrator.pipeline.models import JobModels
from orchestrator.pipeline.prepare import Preparation
from orchestrator.pipeline.progress import Silent
from orchestrator.settings import load_settings
from tests.integration.stage import COLOUR, Actor, Picture, Walk, clip_of, played, standing

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
RATE = Fraction(25)

ANNE = Actor("anne", standing(180, 170, 110))
BERT = Actor("bert", standing(460, 180, 95))

pytestmark = pytest.mark.server


async def prepared(
    url: str, pictures: Sequence[Picture], choice: str = "largest", *, all_faces: bool = False
) -> PreparedAvatar:
    settings = load_settings("default")
    async with Connection(url) as connection:
        models = await JobModels.open(
            connection, settings.models.by_role(), stall_s=120, frames_per_request=4
        )
        preparation = Preparation(
            models,
            COLOUR,
            Silent(),
            frame_rate=RATE,
            presence_threshold=settings.faces.presence_threshold,
            choice=FaceChoice.parse(choice),
            all_faces=all_faces,
        )
        return await preparation.run(clip_of(pictures), len(pictures))


def scene(*actors: Actor, frames: int, width: int = 640, height: int = 360) -> list[Picture]:
    return list(played(actors, range(frames), width, height))


def out_and_in(
    *, leaves: int, returns: int, x: float = 180, y: float = 170, height: float = 110
) -> Walk:
    """Walks out of the picture to the left, in 20 frames, and comes back as quickly."""

    def walk(frame: int) -> tuple[float, float, float]:
        steps = min(max(frame - leaves, 0), max(returns + 20 - frame, 0), 20)
        return (x - (steps / 20) ** 2 * (x + height), y, height)

    return walk


def path_of(face: PreparedFace) -> dict[int, float]:
    """Frame to the middle of the face, where something of it shows."""
    return {
        int(frame): float(face.meshes[row][:, 0].mean())
        for row, frame in enumerate(face.frames)
        if face.weights[row] > 0
    }


async def only_path(url: str, pictures: Sequence[Picture], choice: str) -> dict[int, float]:
    (face,) = (await prepared(url, pictures, choice)).faces
    return path_of(face)


@pytest.mark.parametrize(
    ("choice", "x"),
    [("largest", 180), ("index:0", 180), ("index:1", 460), ("point:0.7,0.5", 460)],
)
async def test_of_two_people_the_chosen_one_speaks(triton_url: str, choice: str, x: int) -> None:
    path = await only_path(triton_url, scene(ANNE, BERT, frames=5), choice)
    assert list(path.values()) == pytest.approx([x] * 5, abs=4)


async def test_everybody_speaks_and_who_is_near_is_painted_last(triton_url: str) -> None:
    avatar = await prepared(triton_url, scene(ANNE, BERT, frames=5), all_faces=True)
    middles = [float(shown.mesh[:, 0].mean()) for shown in avatar.shown(2)]
    assert middles == pytest.approx([460, 180], abs=4)


async def test_an_index_beyond_the_last_face_is_one_sentence(triton_url: str) -> None:
    with pytest.raises(NoFaceError, match=r"there are 2 faces, index 0 to 1"):
        await prepared(triton_url, scene(ANNE, BERT, frames=5), "index:2")


async def test_people_who_cross_keep_their_identity(triton_url: str) -> None:
    behind = Actor("bert", lambda frame: (560 - 8 * frame, 180, 95))
    before = Actor("anne", lambda frame: (80 + 8 * frame, 170, 105))
    pictures = scene(behind, before, frames=61)

    left = await only_path(triton_url, pictures, "index:0")
    right = await only_path(triton_url, pictures, "index:1")

    assert [left[frame] for frame in range(61)] == pytest.approx(
        [80 + 8 * frame for frame in range(61)], abs=5
    )
    assert set(range(20)) | set(range(42, 61)) <= right.keys()
    assert list(right.values()) == pytest.approx([560 - 8 * frame for frame in right], abs=8)


async def test_nobody_takes_over_when_the_chosen_one_leaves(triton_url: str) -> None:
    leaving = Actor("anne", lambda f: (180 - 12 * max(f - 20, 0), 170, 110) if f < 50 else None)
    path = await only_path(triton_url, scene(BERT, leaving, frames=70), "index:0")
    assert set(range(20)) <= path.keys()
    assert max(path) < 50
    assert max(path.values()) < 200


async def test_who_comes_back_speaks_on_and_fades_in_and_out(triton_url: str) -> None:
    pictures = scene(BERT, Actor("anne", out_and_in(leaves=15, returns=40)), frames=70)
    (face,) = (await prepared(triton_url, pictures, "index:0")).faces
    (gap,) = np.flatnonzero(np.diff(face.frames) > 1)
    assert 15 < face.frames[gap] < 35 < face.frames[gap + 1] < 60
    assert list(face.frames[[0, -1]]) == [0, 69]
    assert face.weights[0] == face.weights[-1] == 1
    assert face.weights[gap] < 0.25 > face.weights[gap + 1]
    assert max(path_of(face).values()) < 200


async def test_a_cut_chooses_anew_without_a_fade(triton_url: str) -> None:
    before = scene(ANNE, frames=12)
    after = [np.roll(picture // 2, 200, axis=1) for picture in scene(BERT, frames=12)]
    faces = (await prepared(triton_url, [*before, *after])).faces
    spans = sorted((int(face.frames[0]), int(face.frames[-1])) for face in faces)
    assert spans == [(0, 11), (12, 23)]
    assert all((face.weights == 1).all() for face in faces)


async def test_each_person_lends_teeth_to_nobody_else(triton_url: str) -> None:
    avatar = await prepared(triton_url, scene(ANNE, BERT, frames=5), all_faces=True)
    lent = [float(shown.references.faces.mean()) for shown in avatar.shown(0)]
    assert lent[0] < 0.8 * lent[1]  # Bert is of darker complexion


@pytest.mark.parametrize("height_px", [40, 60, 100])
async def test_small_faces_in_full_hd_are_found_in_every_frame(
    triton_url: str, height_px: int
) -> None:
    walking = Actor("anne", lambda frame: (1203 + 2 * frame, 417 + frame, height_px))
    path = await only_path(
        triton_url, scene(walking, frames=12, width=1920, height=1080), "largest"
    )
    assert list(path) == list(range(12))
    assert list(path.values()) == pytest.approx([1203 + 2 * f for f in range(12)], abs=3)


async def test_the_smallest_faces_stay_as_they_are(triton_url: str) -> None:
    tiny = Actor("anne", standing(1203, 417, 22))
    with pytest.raises(NoFaceError):
        await prepared(triton_url, scene(tiny, frames=2, width=1920, height=1080))


@pytest.mark.parametrize("height_px", [300, 500, 760, 900])
async def test_a_face_that_is_larger_than_the_picture_is_found(
    triton_url: str, height_px: int
) -> None:
    close = Actor("anne", standing(320, 180, height_px))
    path = await only_path(triton_url, scene(close, frames=3), "largest")
    assert list(path) == [0, 1, 2]


async def test_the_same_clip_gives_the_same_avatar_every_time(triton_url: str) -> None:
    blinking = Actor("anne", lambda f: None if f % 7 == 3 else (1203 + 2 * f, 417, 50))
    pictures = scene(blinking, frames=24, width=1920, height=1080)
    first, second = [(await prepared(triton_url, pictures)).faces[0] for _ in range(2)]
    assert np.array_equal(first.frames, second.frames)
    rows = np.arange(len(first.frames))
    np.testing.assert_allclose(first.meshes.take(rows), second.meshes.take(rows), atol=0.05)


def test_a_face_that_comes_and_goes_does_not_pop(triton_url: str, tmp_path: Path) -> None:
    clip, result = tmp_path / "clip.mp4", tmp_path / "result.mp4"
    anne = Actor("anne", out_and_in(leaves=45, returns=75, x=320, y=190, height=170))
    write_clip(clip, scene(anne, frames=125))
    program = [sys.executable, "-m", "orchestrator", "generate"]
    files = ["--video", str(clip), "--audio", str(DATA / "speech.wav"), "--output", str(result)]
    subprocess.run(
        [*program, *files, "--when-longer", "cut", "--url", triton_url],
        check=True,
        capture_output=True,
        timeout=280,
    )

    verdict = judge(measure(clip, result, FaceMesher(ROOT / "model_repository")))

    assert len(verdict.joints) >= 2
    assert verdict.smooth, verdict


def write_clip(path: Path, pictures: Sequence[Picture]) -> None:
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "10"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))

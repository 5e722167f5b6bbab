"""Renderers of other families take the place of the built-in one, on the real server.

Their networks are toys: one gives back the crop that it is shown, one a crop of one colour.
"""

import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from benchmarks.sync.faces import FaceMesher
from client.errors import ContractError, InputError, ModelUnavailableError
from orchestrator.faces.ibug import landmarks_of
from orchestrator.faces.restoration import restoration_affine
from orchestrator.faces.views import rgb
from orchestrator.media.frames import Frame, read_frames
from orchestrator.media.info import probe_audio, probe_video
from orchestrator.pipeline.compare import Comparison
from orchestrator.pipeline.job import generate
from orchestrator.pipeline.preview import Piece, preview
from orchestrator.pipeline.progress import Silent
from orchestrator.pipeline.report import Report
from orchestrator.pipeline.work import Request, Source
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.runtime import CHECKOUT
from orchestrator.settings import HOME_VARIABLE, Settings, load_settings
from tests.integration.pixel_toys import write_renderer, write_restorer

DATA = Path(__file__).parents[1] / "data"
CLIP, SPEECH = DATA / "portrait.mp4", DATA / "speech.wav"
FRAMES = 6
COLOUR = (30, 200, 60)
KINDS = {"heygem-v1": 256, "dinet-mrzzm-v1": 416, "wav2lip-v1": 96}
BOX: dict[str, object] = {"mode": "feather", "soft": 0.0}
HULL: dict[str, object] = {"mode": "landmark-hull"}

pytestmark = pytest.mark.server

Picture = NDArray[np.uint8]
Points = NDArray[np.floating[Any]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose repository has the toys as well, and one model that does not load."""
    if not (CHECKOUT / ".triton").is_dir():
        pytest.skip("the embedded server's environment .triton does not exist: run make setup")
    folder = tmp_path_factory.mktemp("home")
    (folder / "configs").symlink_to(CHECKOUT / "configs")
    repository = folder / "model_repository"
    repository.mkdir()
    for config in CHECKOUT.glob("model_repository/*/config.pbtxt"):
        (repository / config.parent.name).symlink_to(config.parent)
    for kind, size in KINDS.items():
        write_renderer(repository, f"same-{kind}", size, kind, paste=HULL)
        write_renderer(repository, f"box-{kind}", size, kind, paste=BOX, colour=COLOUR)
        write_renderer(repository, f"hull-{kind}", size, kind, paste=HULL, colour=COLOUR)
    write_renderer(repository, "plain", 256, "heygem-v1", colour=COLOUR)
    write_renderer(repository, "glued", 256, "heygem-v1", paste={"mode": "glue"})
    write_renderer(repository, "foreign", 256, "heygem-v1", feature_kind="heygem-bnf-256")
    write_restorer(repository, "negative")
    write_renderer(repository, "broken", 256, "heygem-v1")
    (repository / "broken" / "1" / "model.onnx").write_bytes(b"no graph")
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def url(home: Path) -> AsyncIterator[str]:
    """The gRPC endpoint of a server over that repository, without what does not load."""
    repository = home / "model_repository"
    models = sorted(path.name for path in repository.iterdir() if path.name != "broken")
    async with await EmbeddedServer.start(repository, models=models) as running:
        yield running.url


def settings(models: dict[str, str], **faces: object) -> Settings:
    """The default profile with other models, lossless."""
    usual = load_settings("default")
    return usual.model_copy(
        update={
            "models": usual.models.model_copy(update=models),
            "faces": usual.faces.model_copy(update=faces),
            "encoding": usual.encoding.model_copy(update={"crf": 0, "preset": "ultrafast"}),
            "when_longer": "cut",
        }
    )


@dataclass(frozen=True)
class Made:
    """A finished job, with its frames and those of the clip."""

    report: Report
    frames: list[Frame]
    sources: list[Frame]

    @property
    def pairs(self) -> list[tuple[Picture, Picture]]:
        """Source and result as RGB."""
        return [(shown(a), shown(b)) for a, b in zip(self.sources, self.frames, strict=True)]


async def made(url: str, output: Path, wanted: Settings) -> Made:
    request = Request(
        video=CLIP, audio=SPEECH, output=output, url=url, duration_s=Fraction(FRAMES, 25)
    )
    report = await generate(request, wanted, Silent())
    sources = list(islice(read_frames(probe_video(CLIP)), FRAMES))
    return Made(report, list(read_frames(probe_video(output))), sources)


def shown(frame: Frame) -> Picture:
    return rgb(frame.planes, Source(probe_video(CLIP), probe_audio(SPEECH)).colour())


@pytest.fixture(scope="module")
def landmarks() -> list[Points]:
    """The 68 landmarks of every frame, found apart from the job and not smoothed."""
    mesher = FaceMesher(CHECKOUT / "model_repository")
    frames = list(islice(read_frames(probe_video(CLIP)), FRAMES))
    meshes = [mesher.mesh(shown(frame)) for frame in frames]
    return [landmarks_of(mesh) for mesh in meshes if mesh is not None]


def painted(picture: Picture) -> NDArray[np.bool_]:
    """Where a picture has the toys' colour."""
    return np.asarray(np.abs(picture.astype(int) - COLOUR).max(axis=-1) < 12)


def box_of(where: NDArray[np.bool_]) -> list[int]:
    """Left, top, right and bottom."""
    x, y, width, height = cv2.boundingRect(where.astype(np.uint8))
    return [x, y, x + width, y + height]


def expected_box(kind: str, points: Points) -> list[float]:
    """Left, top, right and bottom of a crop, computed anew for one frame."""
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    if kind == "heygem-v1":
        s, middle = bottom - top, (left + right) / 2
        inner = 1.5 * s * 5 / 266
        box = [middle - 0.75 * s, top - 0.15 * s, middle + 0.75 * s, top + 1.35 * s]
        return [box[0] + inner, box[1] + inner, box[2] - inner, box[3] - inner]
    if kind == "dinet-mrzzm-v1":
        r, x, y = 1.05 * (bottom - points[29, 1]) / 2, points[33, 0], points[29, 1]
        return [x - 1.625 * r, y - r, x + 1.625 * r, y + 2.25 * r]
    height = bottom - points[17:27, 1].min()
    return [left, points[17:27, 1].min() - 0.36 * height, right, bottom + 0.05 * height]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_renderer_that_changes_nothing_leaves_the_person_as_she_is(
    url: str, tmp_path: Path, kind: str
) -> None:
    job = await made(url, tmp_path / "same.mp4", settings({"landmark2face": f"same-{kind}"}))

    assert job.report.frames_with_face == len(job.frames) == FRAMES
    assert job.report.models["landmark2face"].name == f"same-{kind}"
    for source, result in job.pairs:
        difference = np.abs(source.astype(int) - result.astype(int)).max(axis=-1)
        touched = difference > 0
        assert 0.005 < touched.mean() < 0.1
        # 96 pixels for the whole face blur it; nothing moves.
        assert difference[touched].mean() < (8 if kind == "wav2lip-v1" else 3)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_crop_lies_on_the_face_as_its_kind_says(
    url: str, tmp_path: Path, landmarks: list[Points], kind: str
) -> None:
    job = await made(url, tmp_path / "box.mp4", settings({"landmark2face": f"box-{kind}"}))

    for (_, result), points in zip(job.pairs, landmarks, strict=True):
        expected = np.array(expected_box(kind, points))
        border = 0.03 * (expected[3] - expected[1])  # over which the mask rises
        np.testing.assert_allclose(box_of(painted(result)), expected, atol=border + 5)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_hull_covers_the_lower_face_and_nothing_else(
    url: str, tmp_path: Path, landmarks: list[Points], kind: str
) -> None:
    job = await made(url, tmp_path / "hull.mp4", settings({"landmark2face": f"hull-{kind}"}))

    for (source, result), points in zip(job.pairs, landmarks, strict=True):
        where, changed = painted(result), (source != result).any(axis=-1)
        places = np.rint(points).astype(int)
        assert all(where[y, x] for x, y in places[48:68])
        assert not any(changed[y, x] for x, y in places[36:48])
        _, top, _, bottom = box_of(changed)
        assert top > points[28, 1]
        assert bottom < points[8, 1] + 0.25 * (points[8, 1] - points[33, 1])


async def test_planes_outside_the_mask_are_the_very_samples_of_the_clip(
    url: str, tmp_path: Path
) -> None:
    job = await made(url, tmp_path / "hull.mp4", settings({"landmark2face": "hull-heygem-v1"}))

    for source, result in zip(job.sources, job.frames, strict=True):
        left, top, right, bottom = box_of(source.planes[0] != result.planes[0])
        assert (right - left) * (bottom - top) < 0.1 * source.planes[0].size
        for before, after, step in zip(source.planes, result.planes, (1, 2, 2), strict=True):
            outside = np.ones(before.shape, bool)
            outside[top // step - 1 : bottom // step + 1, left // step - 1 : right // step + 1] = 0
            assert np.array_equal(before[outside], after[outside])


async def test_the_profile_chooses_how_a_picture_is_pasted(url: str, tmp_path: Path) -> None:
    def area(job: Made) -> float:
        return float(np.mean([painted(result).mean() for _, result in job.pairs]))

    box = await made(url, tmp_path / "1.mp4", settings({"landmark2face": "hull-heygem-v1"}))
    wish = settings({"landmark2face": "hull-heygem-v1"}, paste="feather")
    whole = await made(url, tmp_path / "2.mp4", wish)

    assert area(whole) > 2.5 * area(box)


async def test_a_renderer_that_does_not_say_how_gets_a_soft_border(
    url: str, tmp_path: Path
) -> None:
    job = await made(url, tmp_path / "plain.mp4", settings({"landmark2face": "plain"}))

    for source, result in job.pairs:
        left, top, right, _ = box_of((source != result).any(axis=-1))
        column = result[top : top + 40, (left + right) // 2, 1].astype(int)
        assert max(abs(b - a) for a, b in pairwise(column)) < 40


async def test_a_restored_face_changes_inside_an_ellipse_alone(url: str, tmp_path: Path) -> None:
    plain = await made(url, tmp_path / "plain.mp4", settings({}))
    job = await made(url, tmp_path / "restored.mp4", settings({"face_restoration": "negative"}))

    assert plain.report.frames_restored == 0
    assert "face_restoration" not in plain.report.models
    assert job.report.frames_restored == FRAMES
    assert job.report.models["face_restoration"].version == "1"
    assert job.report.models["face_restoration"].inferences == FRAMES
    mesher = FaceMesher(CHECKOUT / "model_repository")
    for source, before, after in zip(job.sources, plain.frames, job.frames, strict=True):
        mesh = mesher.mesh(shown(source))
        assert mesh is not None
        way = _way_in_ellipse(mesh, before.planes[0].shape)
        assert np.array_equal(before.planes[0][way > 1.05], after.planes[0][way > 1.05])
        negative = 255 - shown(before).astype(int)
        middle = np.abs(negative - shown(after))[way < 0.6]
        assert np.median(middle) < 6


def _way_in_ellipse(mesh: Points, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """0 in the middle of the ellipse of a restored face, 1 at its border, for every pixel."""
    affine = restoration_affine(mesh)
    rows, columns = np.indices(shape[:2])
    offsets = np.stack((columns, rows), axis=-1) - affine[:, 2]
    u = offsets @ np.linalg.inv(affine[:, :2]).T - 0.5
    return np.asarray(np.hypot(u[..., 0] / (180 / 512), u[..., 1] / (236 / 512)))


async def test_half_of_a_restored_face_shows_at_half_strength(url: str, tmp_path: Path) -> None:
    wish = settings({"face_restoration": "negative"}, restoration=0.5)
    job = await made(url, tmp_path / "half.mp4", wish)

    for _, result in job.pairs:
        left, top, right, bottom = box_of(np.abs(result.astype(int) - 127).max(axis=-1) < 12)
        assert right - left > 60
        assert bottom - top > 60


async def test_a_preview_shows_the_restored_face_and_where_it_lies(
    url: str, tmp_path: Path
) -> None:
    sizes = {}
    for name, models in {"plain": {}, "restored": {"face_restoration": "negative"}}.items():
        output = tmp_path / f"{name}.png"
        request = Request(video=CLIP, audio=SPEECH, output=output, url=url)
        piece = Piece(at_s=Fraction(0), whole=True)
        await preview(request, piece, settings(models), Silent())
        sheet = np.asarray(cv2.imread(str(output)), np.uint8)
        mask = sheet[40:, sheet.shape[1] // 2 : 3 * sheet.shape[1] // 4]
        sizes[name] = float((mask > 128).mean())

    assert sizes["restored"] > 1.5 * sizes["plain"]


@pytest.mark.parametrize(
    ("models", "faces", "sentence"),
    [
        ({"landmark2face": "foreign"}, {}, "foreign version 1 wants heygem-bnf-256 features of"),
        ({"landmark2face": "glued"}, {}, "glued version 1 wants its picture pasted by glue; this"),
        (
            {"landmark2face": "plain"},
            {"paste": "mask"},
            "plain version 1: The paste mode mask needs a renderer that gives a mask",
        ),
        ({"face_restoration": "plain"}, {}, "plain version 1 asks for input 'features'"),
        ({"wenet": "plain"}, {}, "plain version 1 asks for input 'face'"),
    ],
)
async def test_models_that_do_not_fit_are_told_before_any_frame(
    url: str, tmp_path: Path, models: dict[str, str], faces: dict[str, object], sentence: str
) -> None:
    output = tmp_path / "never.mp4"

    with pytest.raises(ContractError, match=sentence):
        await made(url, output, settings(models, **faces))
    assert not output.exists()


async def test_a_model_that_restores_must_be_served(url: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="does not serve gfpgan"):
        await made(url, tmp_path / "never.mp4", settings({"face_restoration": "gfpgan"}))


async def test_nothing_is_compared_in_a_role_that_nobody_fills(tmp_path: Path) -> None:
    request = Request(video=CLIP, audio=SPEECH, output=tmp_path / "never.png")
    piece = Piece(comparison=Comparison("face_restoration", "1"))

    with pytest.raises(InputError, match="names no model for face_restoration"):
        await preview(request, piece, settings({}), Silent())


def run(home: Path, output: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """`orchestrator generate` with a server of its own."""
    files = ["--video", str(CLIP), "--audio", str(SPEECH), "--output", str(output)]
    part = ["--duration", "0.1", "--when-longer", "cut", "--quiet"]
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", "generate", *files, *part, *options],
        env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", HOME_VARIABLE: str(home)},  # noqa: S108
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_job_of_its_own_server_loads_only_the_models_of_its_profile(
    home: Path, tmp_path: Path
) -> None:
    """The repository holds a model that no server can load, and several that are not needed."""
    result = run(home, tmp_path / "usual.mp4")

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "usual.mp4").is_file()


def test_a_profile_whose_models_are_not_there_says_which(home: Path, tmp_path: Path) -> None:
    result = run(home, tmp_path / "never.mp4", "--profile", "heygem")

    assert result.returncode == 1
    assert "lacks heygem_landmark2face, heygem_wenet" in result.stderr


def test_restoring_without_a_model_for_it_is_one_sentence(home: Path, tmp_path: Path) -> None:
    result = run(home, tmp_path / "never.mp4", "--restore")

    assert result.returncode == 1
    assert "--restore needs a model that restores faces" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_faces_are_left_as_they_are_where_the_command_line_says_so(
    home: Path, tmp_path: Path
) -> None:
    """The profile names a model that is not there; nobody asks for it."""
    profile = tmp_path / "mine.yaml"
    profile.write_text("extends: default\nmodels: {face_restoration: nosuch}\n")
    result = run(home, tmp_path / "plain.mp4", "--profile", str(profile), "--no-restore")

    assert result.returncode == 0, result.stderr

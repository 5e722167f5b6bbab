"""A preview shows what a job would make, on the real server."""

import subprocess
import sys
import wave
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from client.errors import ModelUnavailableError
from orchestrator.faces.colour import Colour
from orchestrator.faces.geometry import Region
from orchestrator.faces.layout import Layout
from orchestrator.faces.views import cut, rgb
from orchestrator.media.frames import read_frames
from orchestrator.media.info import probe_audio, probe_video
from orchestrator.media.pixels import picture_of
from orchestrator.media.speech import Samples, read_speech
from orchestrator.pipeline.compare import Comparison
from orchestrator.pipeline.job import generate
from orchestrator.pipeline.preview import Piece, preview
from orchestrator.pipeline.progress import Silent
from orchestrator.pipeline.work import Request, Source
from orchestrator.settings import Settings, load_settings

DATA = Path(__file__).parents[1] / "data"
CLOSED = "127.0.0.1:1"
RATE = 25
AT_S = Fraction(7, 5)  # while the clip, which is shorter than the recording, goes back
SOURCE, RESULT, MASK, LANDMARKS = range(4)
BORDER_PX = 2  # where colours meet those of the edge

pytestmark = pytest.mark.server

Picture = NDArray[np.uint8]


def lossless() -> Settings:
    usual = load_settings("default")
    update = {"crf": 0, "preset": "ultrafast"}
    return usual.model_copy(update={"encoding": usual.encoding.model_copy(update=update)})


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the sample."""
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    with wave.open(str(DATA / "speech.wav")) as whole, wave.open(str(path), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(2 * whole.getframerate()))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of the sample around the person, small enough to be shown as it is."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    info = probe_video(DATA / "portrait.mp4")
    part = Region(260, 40, 820, 720)
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", RATE, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 560, 680, "yuv420p"
        for frame in islice(read_frames(info), RATE):
            planes = cut(frame.planes, colour_of(info.path), part)
            container.mux(stream.encode(picture_of(planes, info.pixel_format)))
        container.mux(stream.encode(None))
    return path


def colour_of(path: Path) -> Colour:
    return Source(probe_video(path), probe_audio(DATA / "speech.wav")).colour()


def request(video: Path, output: Path, speech: Path, url: str | None) -> Request:
    return Request(video=video, audio=speech, output=output, url=url)


def read(path: Path) -> Picture:
    return np.asarray(cv2.imread(str(path)), np.uint8)[..., ::-1]


def panel(sheet: Picture, number: int, video: Path, count: int = 4) -> Picture:
    """The picture of a panel of a sheet that shows whole pictures, without its border."""
    info = probe_video(video)
    layout = Layout.of(Region(0, 0, info.width, info.height), count, (2, 2))
    assert layout.size == (sheet.shape[1], sheet.shape[0])
    assert layout.picture == (info.width, info.height)
    return inner(sheet[layout.place(number).slices])


def inner(picture: Picture) -> Picture:
    return picture[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX]


def frame_of(path: Path, number: int, source: Path) -> Picture:
    """A frame of a video that has the colours of another one."""
    frame = next(islice(read_frames(probe_video(path)), number, None))
    return inner(rgb(frame.planes, colour_of(source)))


@pytest.fixture(scope="module")
def still(
    clip: Path, speech: Path, triton_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    output = tmp_path_factory.mktemp("still") / "still.png"
    files = ["--video", clip, "--audio", speech, "--output", output]
    result = run(*files, "--url", triton_url, "--at", "1.4", "--whole")
    assert result.returncode == 0, result.stderr
    assert "source | result | mask | landmarks; 1 frame from 1.40 s" in result.stdout
    return output


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orchestrator", "preview", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_source_is_the_very_frame_of_the_clip(still: Path, clip: Path) -> None:
    bounced = 2 * (RATE - 1) - int(AT_S * RATE)
    assert np.array_equal(panel(read(still), SOURCE, clip), frame_of(clip, bounced, clip))


def test_the_result_differs_only_where_the_mask_is_not_black(still: Path, clip: Path) -> None:
    source, result, mask = (panel(read(still), n, clip) for n in (SOURCE, RESULT, MASK))
    changed = (result != source).any(axis=-1)
    painted = (mask.max(axis=-1) > 0).astype(np.uint8)
    near = cv2.dilate(painted, np.ones((5, 5), np.uint8))  # a chroma sample covers four pixels
    assert changed.mean() > 0.005
    assert painted.mean() < 0.2
    assert not (changed & (near == 0)).any()


def test_landmarks_are_drawn_on_the_source(still: Path, clip: Path) -> None:
    source, landmarks = (panel(read(still), n, clip) for n in (SOURCE, LANDMARKS))
    assert 0.005 < (landmarks != source).any(axis=-1).mean() < 0.2


async def test_the_result_is_the_very_frame_that_generate_makes(
    still: Path, clip: Path, speech: Path, triton_url: str, tmp_path: Path
) -> None:
    output = tmp_path / "whole.mp4"
    await generate(request(clip, output, speech, triton_url), lossless(), Silent())
    made = frame_of(output, int(AT_S * RATE), clip)
    assert np.array_equal(made, panel(read(still), RESULT, clip))


async def test_a_photo_that_breathes_is_shown_as_it_is_then(
    speech: Path, triton_url: str, tmp_path: Path
) -> None:
    settings = lossless().model_copy(update={"idle": "breathe"})
    photo, still, whole = DATA / "portrait.jpg", tmp_path / "photo.png", tmp_path / "photo.mp4"
    piece = Piece(at_s=AT_S, whole=True)
    await preview(request(photo, still, speech, triton_url), piece, settings, Silent())
    await generate(request(photo, whole, speech, triton_url), settings, Silent())
    made = frame_of(whole, int(AT_S * RATE), photo)
    assert np.array_equal(panel(read(still), RESULT, photo), made)


def heard(path: Path) -> Samples:
    return np.concatenate(list(read_speech(path)))


async def test_a_clip_has_its_frames_and_its_part_of_the_sound(
    clip: Path, speech: Path, triton_url: str, tmp_path: Path
) -> None:
    output = tmp_path / "part.mp4"
    piece = Piece(at_s=Fraction(1, 2), duration_s=Fraction(4, 5))
    made = await preview(request(clip, output, speech, triton_url), piece, lossless(), Silent())
    with av.open(output) as container:
        assert container.streams.video[0].average_rate == RATE
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == made.frames == 20
    assert frames[0].shape == (made.height, made.width)
    first = int(made.at_s * 16_000)
    part, sound = heard(speech)[first : first + 12_800], heard(output)
    assert abs(len(sound) - len(part)) <= 1024
    overlap = min(len(sound), len(part))
    assert np.corrcoef(sound[:overlap], part[:overlap])[0, 1] > 0.98


async def test_a_clip_ends_with_the_result(
    clip: Path, speech: Path, triton_url: str, tmp_path: Path
) -> None:
    wanted = request(clip, tmp_path / "end.mp4", speech, triton_url)
    made = await preview(wanted, Piece(at_s=Fraction(9, 5)), lossless(), Silent())
    assert made.frames == 5


async def test_without_a_time_a_still_shows_an_open_mouth_large(
    clip: Path, speech: Path, triton_url: str, tmp_path: Path
) -> None:
    output = tmp_path / "open.jpg"
    made = await preview(request(clip, output, speech, triton_url), Piece(), lossless(), Silent())
    assert 0 < made.at_s < 2
    assert made.height >= 360
    assert read(output).shape == (made.height, made.width, 3)


async def test_another_version_is_one_panel_more(clip: Path, speech: Path, tmp_path: Path) -> None:
    output = tmp_path / "compared.png"
    piece = Piece(at_s=AT_S, whole=True, comparison=Comparison("wenet", "1"))
    made = await preview(request(clip, output, speech, None), piece, lossless(), Silent())
    assert made.panels == ["source", "wenet 2", "wenet 1", "mask", "landmarks"]
    sheet = read(output)
    source, usual, other = (panel(sheet, number, clip, 5) for number in range(3))
    assert (usual != source).any()
    assert (other != source).any()
    assert (usual != other).any()


async def test_a_version_that_the_server_does_not_serve_is_told_with_those_that_it_does(
    clip: Path, speech: Path, triton_url: str, tmp_path: Path
) -> None:
    wanted = request(clip, tmp_path / "a.png", speech, triton_url)
    piece = Piece(comparison=Comparison("wenet", "1"))
    with pytest.raises(ModelUnavailableError, match="serves no version 1 of wenet; it serves 2"):
        await preview(wanted, piece, lossless(), Silent())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("output", "options", "sentence"),
    [
        ("a.gif", ["--url", CLOSED], "ends in .png, .jpg, .jpeg or .mp4"),
        ("a.png", ["--url", CLOSED], f"No Triton server answers at {CLOSED}"),
        ("a.png", ["--compare", "wenet=9"], "compare with one of 1, 2"),
        ("a.png", ["--compare", "whisper=1"], "give ROLE=VERSION"),
        ("a.png", ["--seconds", "2"], "leave out --seconds"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    tmp_path: Path, output: str, options: list[str], sentence: str
) -> None:
    files = ["--video", DATA / "portrait.mp4", "--audio", DATA / "speech.wav"]
    result = run(*files, "--output", tmp_path / output, *options)
    assert result.returncode in (1, 2)
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_time_beyond_the_end_is_told_with_the_length(
    speech: Path, triton_url: str, tmp_path: Path
) -> None:
    files = ["--video", DATA / "portrait.mp4", "--audio", speech, "--output", tmp_path / "a.mp4"]
    result = run(*files, "--url", triton_url, "--at", "9")
    assert result.returncode == 1
    assert "would be 2.00 s long: there is nothing to show at 9 s" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_input_is_never_overwritten(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes((DATA / "portrait.jpg").read_bytes())
    result = run("--video", photo, "--audio", DATA / "speech.wav", "--output", photo)
    assert result.returncode == 1
    assert "is also an input" in result.stderr
    assert photo.read_bytes() == (DATA / "portrait.jpg").read_bytes()

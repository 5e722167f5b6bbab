"""Whatever is wrong, the command says so in one line, exits non-zero and leaves nothing behind."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.server.embedded import EmbeddedServer
from orchestrator.settings import home

DATA = Path(__file__).parents[1] / "data"
CLOSED = "127.0.0.1:1"


def generate(
    *, video: Path, audio: Path, output: Path, url: str
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orchestrator", "generate", "--url", url]
    files = ["--video", str(video), "--audio", str(audio), "--output", str(output)]
    return subprocess.run([*command, *files], capture_output=True, text=True, timeout=120)


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1, text
    assert lines[0].startswith("error: ")
    return lines[0]


def missing(folder: Path, sample: Path) -> Path:
    return folder / f"missing{sample.suffix}"


def empty(folder: Path, sample: Path) -> Path:
    path = folder / f"empty{sample.suffix}"
    path.touch()
    return path


def renamed_text(folder: Path, sample: Path) -> Path:
    path = folder / f"renamed{sample.suffix}"
    path.write_text("This is no media file.\n" * 50, "utf-8")
    return path


def truncated(folder: Path, sample: Path) -> Path:
    path = folder / f"truncated{sample.suffix}"
    path.write_bytes(sample.read_bytes()[:40])
    return path


def directory(folder: Path, sample: Path) -> Path:
    path = folder / f"folder{sample.suffix}"
    path.mkdir()
    return path


BROKEN = [missing, empty, renamed_text, truncated, directory]


@pytest.mark.parametrize("break_it", BROKEN)
@pytest.mark.parametrize("which", ["video", "audio"])
def test_an_unusable_input_is_named(
    tmp_path: Path, which: str, break_it: Callable[[Path, Path], Path]
) -> None:
    inputs = {"video": DATA / "portrait.mp4", "audio": DATA / "speech.wav"}
    inputs[which] = break_it(tmp_path, inputs[which])
    output = tmp_path / "out" / "result.mp4"
    output.parent.mkdir()

    result = generate(**inputs, output=output, url=CLOSED)

    assert result.returncode == 1
    assert inputs[which].name in one_line(result.stderr)
    assert list(output.parent.iterdir()) == []


def test_a_truncated_clip_is_named(tmp_path: Path, triton_url: str) -> None:
    clip = tmp_path / "cut.mp4"
    clip.write_bytes((DATA / "portrait.mp4").read_bytes()[:300_000])
    output = tmp_path / "result.mp4"

    result = generate(video=clip, audio=DATA / "speech.wav", output=output, url=triton_url)

    assert result.returncode == 1
    assert "cut.mp4" in one_line(result.stderr)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.mp4"]


def test_an_unreachable_server_is_named(tmp_path: Path) -> None:
    output = tmp_path / "result.mp4"

    result = generate(
        video=DATA / "portrait.mp4", audio=DATA / "speech.wav", output=output, url=CLOSED
    )

    assert result.returncode == 1
    assert f"No Triton server answers at {CLOSED}" in one_line(result.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("output", ["nosuch/result.mp4", "/proc/result.mp4", "result.gif", "."])
def test_an_output_that_cannot_be_written_is_named(tmp_path: Path, output: str) -> None:
    path = tmp_path / output

    result = generate(
        video=DATA / "portrait.mp4", audio=DATA / "speech.wav", output=path, url=CLOSED
    )

    assert result.returncode == 1
    line = one_line(result.stderr)
    assert str(path) in line or f"{path.parent} " in line
    assert list(tmp_path.iterdir()) == []


def test_an_input_is_never_overwritten(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    shutil.copy(DATA / "portrait.mp4", clip)

    result = generate(video=clip, audio=DATA / "speech.wav", output=clip, url=CLOSED)

    assert result.returncode == 1
    assert "clip.mp4" in one_line(result.stderr)
    assert clip.read_bytes() == (DATA / "portrait.mp4").read_bytes()


async def test_a_server_that_lacks_a_model_is_named(tmp_path: Path) -> None:
    async with await EmbeddedServer.start(
        home() / "model_repository", models=["face_detection", "face_landmarks"]
    ) as server:
        result = await asyncio.to_thread(
            generate,
            video=DATA / "portrait.mp4",
            audio=DATA / "speech.wav",
            output=tmp_path / "result.mp4",
            url=server.url,
        )

    assert result.returncode == 1
    assert f"The server at {server.url} does not serve wenet" in one_line(result.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["generate", "--video", "a"], "Missing option '--audio'"),
        (["generate", "--when-longer", "foo"], "Invalid value for '--when-longer': 'foo'"),
        (["generate", "--stall-timeout", "nan"], "Invalid value for '--stall-timeout'"),
        (["serve", "--device", "tpu"], "Invalid value for '--device': 'tpu'"),
        (["dance"], "No such command 'dance'"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(options: list[str], sentence: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "orchestrator", *options], capture_output=True, text=True
    )

    assert result.returncode == 2
    assert sentence in one_line(result.stderr)
    assert "--help" in result.stderr


def test_a_wrong_profile_is_told_in_one_line(tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text("models: {}", "utf-8")
    files = ["--video", "a.mp4", "--audio", "b.wav", "--output", "c.mp4"]

    result = subprocess.run(
        [sys.executable, "-m", "orchestrator", "generate", *files, "--profile", str(profile)],
        capture_output=True,
        text=True,
    )

    assert result.returncode == 1
    assert "mine.yaml, key models.face_detection" in one_line(result.stderr)


def test_a_report_that_nobody_takes_is_told_and_the_video_is_there(
    tmp_path: Path, triton_url: str
) -> None:
    output = tmp_path / "result.mp4"
    files = ["--video", str(DATA / "portrait.jpg"), "--audio", str(DATA / "speech.wav")]
    files += ["--output", str(output), "--url", triton_url]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "orchestrator", "generate", *files, "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )

    assert result.returncode == 1
    *events, failed, error = result.stderr.splitlines()
    assert all(json.loads(event) for event in events)
    assert json.loads(failed)["error"] == "OutputError"
    assert "standard output took no report" in one_line(error)
    assert output.stat().st_size > 10_000

"""A running job says what it waits for, to people and to programs, and ends when it is told to."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from orchestrator.server.embedded import EmbeddedServer
from orchestrator.settings import home

DATA = Path(__file__).parents[1] / "data"
WHO = r"the (decoder|encoder|painting|server)|landmark2face version \d+ \(\d+ in flight, .* s.*\)"
STAGES = ["listen", "prepare", "speak"]

HANGS = """
import json
import time

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.outputs = json.loads(args["model_config"])["output"]

    def execute(self, requests):
        faces = [pb_utils.get_input_tensor_by_name(r, "face").as_numpy() for r in requests]
        if any(face.any() for face in faces):
            time.sleep(1e6)
        return [pb_utils.InferenceResponse(list(self.zeros(len(face)))) for face in faces]

    def zeros(self, rows):
        for output in self.outputs:
            shape = (rows, *map(int, output["dims"]))
            kind = pb_utils.triton_string_to_numpy(output["data_type"])
            yield pb_utils.Tensor(output["name"], np.zeros(shape, kind))
"""

pytestmark = pytest.mark.server


@contextmanager
def job(url: str, output: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """A job as a process, of which nothing is left."""
    files = ["--video", str(DATA / "portrait.mp4"), "--audio", str(DATA / "speech.wav")]
    files += ["--output", str(output), "--url", url]
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "generate", *files, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines_of(process: "subprocess.Popen[str]") -> IO[str]:
    assert process.stderr is not None
    return process.stderr


def test_sigusr1_makes_a_quiet_job_say_what_it_waits_for(triton_url: str, tmp_path: Path) -> None:
    with job(triton_url, tmp_path / "result.mp4", "--quiet") as process:
        wait_until_it_catches(signal.SIGUSR1, process)
        while process.poll() is None:
            os.kill(process.pid, signal.SIGUSR1)
            time.sleep(0.1)
        report, told = process.communicate(timeout=10)
    sentences = told.splitlines()
    assert (process.returncode, report) == (0, "")
    assert any(re.fullmatch(rf"speak \d+/201: waits for ({WHO})", line) for line in sentences)
    assert all(re.search("^(listen|find|speak) |waits for ", line) for line in sentences)


def wait_until_it_catches(number: signal.Signals, process: "subprocess.Popen[str]") -> None:
    """Python itself takes a moment to start."""
    caught = 0
    while not caught >> (number - 1) & 1:
        status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
        (mask,) = re.findall(r"SigCgt:\s*(\w+)", status)
        caught = int(mask, 16)
        time.sleep(0.01)


def test_events_tell_a_job_from_its_first_stage_to_its_last_frame(
    triton_url: str, tmp_path: Path
) -> None:
    with job(triton_url, tmp_path / "result.mp4", "--json") as process:
        report, told = process.communicate(timeout=120)
    events: list[dict[str, Any]] = [json.loads(line) for line in told.splitlines()]

    assert json.loads(report)["frames"] == 201
    assert [e["stage"] for e in events if e["event"] == "stage"] == STAGES
    done = [e for e in events if e["event"] == "progress" and e["stage"] == "speak"]
    assert done[-1]["done"] == done[-1]["total"] == 201
    times = [e["t_s"] for e in events]
    assert times == sorted(times)
    waiting = [e for e in events if e["event"] == "waiting" and e["stage"] == "speak"]
    assert all(re.fullmatch(rf"speak \d+/201: waits for ({WHO})", e["sentence"]) for e in waiting)


def test_with_quiet_there_are_no_events(triton_url: str, tmp_path: Path) -> None:
    with job(triton_url, tmp_path / "result.mp4", "--json", "--quiet") as process:
        report, told = process.communicate(timeout=120)
    assert json.loads(report)["frames"] == 201
    assert told == ""


async def test_a_job_whose_model_hangs_names_it_and_ends_at_the_second_signal(
    tmp_path: Path, repository: Path
) -> None:
    write_models_of_which_one_hangs(repository)
    async with await EmbeddedServer.start(repository) as server:
        with job(server.url, tmp_path / "result.mp4", "--json") as process:
            waiting = read_until_it_hangs(process)
            process.send_signal(signal.SIGINT)
            await asyncio.sleep(0.1)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=2) == 128 + signal.SIGINT
            *_, last = lines_of(process)
    assert re.fullmatch(
        r"speak 0/201: waits for landmark2face version \d+ "
        r"\(\d+ in flight, no answer for 2\.\d s(, .* in the server's queue)?\)",
        waiting["sentence"],
    )
    assert waiting["requests"] > 0
    assert last.startswith("error: ended at once by SIGINT")


async def test_a_job_whose_model_hangs_ends_in_order_at_the_first_signal(
    tmp_path: Path, repository: Path
) -> None:
    write_models_of_which_one_hangs(repository)
    folder = tmp_path / "results"
    folder.mkdir()
    async with await EmbeddedServer.start(repository) as server:
        with job(server.url, folder / "result.mp4", "--json") as process:
            read_until_it_hangs(process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 128 + signal.SIGTERM
            *_, last = lines_of(process)
    assert last == "error: stopped by SIGTERM; nothing was written.\n"
    assert list(folder.iterdir()) == []


def write_models_of_which_one_hangs(repository: Path) -> None:
    """The shipped models; but landmark2face answers only what its start asks it: zeros."""
    shutil.copytree(home() / "model_repository", repository, dirs_exist_ok=True)
    folder = repository / "landmark2face"
    config = (folder / "config.pbtxt").read_text("utf-8")
    config = config.replace('"onnxruntime"', '"python"').replace('"model.onnx"', '"model.py"', 1)
    (folder / "config.pbtxt").write_text(config, "utf-8")
    for version in folder.glob("[0-9]*"):
        (version / "model.py").write_text(HANGS, "utf-8")


def read_until_it_hangs(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Returns what a job waits for when it has waited for two seconds."""
    for line in lines_of(process):
        event: dict[str, Any] = json.loads(line)
        if event["event"] == "waiting" and "no answer for 2." in event["sentence"]:
            return event
    raise AssertionError("the job ended")

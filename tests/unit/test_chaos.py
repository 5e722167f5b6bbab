"""The benchmark of kills and stops: it strikes whom it says, and sees what goes wrong."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from benchmarks.chaos.judging import Ending, judge_job, judge_server, struck
from benchmarks.chaos.media import Job, make_recording, read_video
from benchmarks.chaos.plan import MODELS, VICTIMS, Blow, Plan, Victim, blows, draw
from benchmarks.chaos.processes import Process, running, strike, victims
from benchmarks.chaos.rounds import Outcome, Round
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.table import table
from benchmarks.chaos.traces import SHM_FOLDER, Traces, look
from benchmarks.commands import DATA
from tests.unit.media.making import Clip, make_video

SLEEPER = "import time; time.sleep(60)"
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {SLEEPER!r}])
"""


def plan(victim: Victim = "generate", blow: Blow = "SIGKILL", moment: float = 0.5) -> Plan:
    return Plan(
        number=0, way="own", victim=victim, model="wenet", blow=blow, moment=moment, pause_s=0.3
    )


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path / "round", 60.0)
    yield made
    made.clear()


@pytest.fixture
def sleeper(stage: Stage) -> Iterator["subprocess.Popen[bytes]"]:
    env = {**os.environ, "TMPDIR": str(stage.temporary)}
    process = subprocess.Popen([sys.executable, "-c", PARENT], env=env)
    wait_for(lambda: len(running(stage.temporary)) == 2)
    yield process
    process.kill()
    process.wait()


def wait_for(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_round_is_the_same_one_every_time() -> None:
    assert [draw(7, n) for n in range(20)] == [draw(7, n) for n in range(20)]
    assert draw(7, 3) != draw(8, 3)


def test_a_hundred_rounds_strike_everybody_in_every_way() -> None:
    plans = [draw(1, number) for number in range(100)]
    for way, names in VICTIMS.items():
        assert {plan.victim for plan in plans if plan.way == way} == set(names)
    assert {plan.blow for plan in plans} == set(get_args(Blow))
    assert {plan.model for plan in plans if plan.victim == "stub"} == set(MODELS)
    assert all(plan.blow in blows(plan.victim) for plan in plans)


@pytest.mark.parametrize(
    ("victim", "pids"),
    [
        ("tritonserver", [3]),
        ("stub", [5]),
        ("guardian", [2]),
        ("generate", [1]),
        ("generate and guardian", [1, 2]),
        ("serve", []),
    ],
)
def test_the_victim_is_found_among_the_rounds_processes(victim: Victim, pids: list[int]) -> None:
    stub = "/t/backends/python/triton_python_backend_stub"
    processes = [
        Process(1, ("python", "-m", "orchestrator", "generate")),
        Process(2, ("python", "-I", "/o/server/guardian.py", "/t/guardian.json")),
        Process(3, ("/t/bin/tritonserver", "--load-model=wenet")),
        Process(4, (stub, "/t/repository/face_detection/1/model.onnx")),
        Process(5, (stub, "/t/repository/wenet/1/model.onnx")),
    ]
    assert victims(plan(victim), processes, {"generate": 1}) == pids


def test_nobody_is_struck_before_all_of_them_are_there() -> None:
    assert victims(plan("generate and guardian"), [], {"generate": 1}) == []


@pytest.mark.usefixtures("sleeper")
def test_only_processes_of_the_round_are_seen(stage: Stage, tmp_path: Path) -> None:
    assert os.getpid() not in {process.pid for process in running(stage.temporary)}
    assert running(tmp_path) == []


def test_a_kill_ends_its_victim(sleeper: "subprocess.Popen[bytes]") -> None:
    assert strike([sleeper.pid], plan(blow="SIGKILL"))
    assert sleeper.wait(10) == -signal.SIGKILL


def test_a_stop_ends_with_the_pause(sleeper: "subprocess.Popen[bytes]") -> None:
    started_s = time.monotonic()
    assert strike([sleeper.pid], plan(blow="SIGSTOP"))
    assert time.monotonic() - started_s >= 0.3
    wait_for(lambda: state(sleeper.pid) != "T")
    assert sleeper.poll() is None


def test_a_blow_that_meets_nobody_did_not_land(sleeper: "subprocess.Popen[bytes]") -> None:
    sleeper.kill()
    sleeper.wait()
    assert not strike([sleeper.pid], plan())


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("job")
    video = make_video(folder / "good.mp4", Clip(count=20), sound=(44100, 1))
    return Job(video, video, *read_video(video))


def test_the_undisturbed_video_is_without_fault(job: Job) -> None:
    assert job.fault_of(job.video) is None


def test_a_missing_frame_is_seen(tmp_path: Path, job: Job) -> None:
    short = make_video(tmp_path / "short.mp4", Clip(count=19), sound=(44100, 1))
    assert job.fault_of(short) == "short.mp4 has 19 frames, not 20"


def test_missing_sound_is_seen(tmp_path: Path, job: Job) -> None:
    silent = make_video(tmp_path / "silent.mp4", Clip(count=20))
    assert "silent.mp4 cannot be decoded" in str(job.fault_of(silent))


def test_a_cut_file_is_seen(tmp_path: Path, job: Job) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(job.video.read_bytes()[:2000])
    assert "cut.mp4 cannot be decoded" in str(job.fault_of(cut))


def test_a_torn_picture_is_seen(job: Job) -> None:
    torn = [picture.copy() for picture in job.pictures]
    torn[7][16:32, 16:48] ^= 0x40
    other = Job(job.video, job.audio, torn, job.samples)
    assert "frame 7 of good.mp4 is another" in str(other.fault_of(job.video))


LINE = "error: The server ended: run the command again.\n"


@pytest.mark.parametrize(
    ("status", "complaint", "has_video", "blow", "ending"),
    [
        (0, "", True, None, "finished"),
        (0, "", False, None, "wrong"),
        (1, LINE, False, None, "failed"),
        (1, LINE, True, None, "wrong"),
        (1, "", False, None, "wrong"),
        (1, "Traceback (most recent call last):\n" + LINE, False, None, "wrong"),
        (2, LINE, False, None, "wrong"),
        (-9, "", False, "SIGKILL", "stopped"),
        (-9, "", True, "SIGKILL", "stopped"),  # it had just finished
        (-9, "", False, None, "wrong"),
        (-11, "", False, "SIGSTOP", "wrong"),
        (143, LINE, False, "SIGTERM", "stopped"),
        (143, LINE, True, "SIGTERM", "wrong"),
        (143, "Traceback\n", False, "SIGTERM", "wrong"),
        (130, "", False, "SIGINT", "stopped"),
    ],
)
def test_a_job_ends_well_or_with_one_line(
    tmp_path: Path,
    job: Job,
    status: int,
    complaint: str,
    has_video: bool,
    blow: str | None,
    ending: Ending,
) -> None:
    output = job.video if has_video else tmp_path / "none.mp4"
    assert judge_job(status, complaint, output, job, blow).ending == ending


def test_a_broken_video_is_wrong_whatever_the_status(tmp_path: Path, job: Job) -> None:
    output = tmp_path / "cut.mp4"
    output.write_bytes(job.video.read_bytes()[:2000])
    for status, blow in ((0, None), (-9, "SIGKILL")):
        assert judge_job(status, "", output, job, blow).ending == "wrong"


@pytest.mark.parametrize(
    ("status", "complaint", "blow", "asked", "ending"),
    [
        (0, "", None, True, "stopped"),
        (0, "", "SIGINT", False, "stopped"),
        (0, "", None, False, "wrong"),
        (1, LINE, None, False, "failed"),
        (1, "", None, True, "wrong"),
        (-9, "", "SIGKILL", False, "stopped"),
        (-9, "", None, True, "wrong"),
    ],
)
def test_a_server_ends_when_it_is_asked_or_says_why(
    status: int, complaint: str, blow: str | None, asked: bool, ending: Ending
) -> None:
    assert judge_server(status, complaint, blow, asked=asked).ending == ending


def test_only_who_was_struck_may_end_by_the_signal() -> None:
    assert struck(plan("generate and guardian"), "generate") == "SIGKILL"
    assert struck(plan("guardian"), "generate") is None


@pytest.mark.usefixtures("sleeper")
def test_processes_files_and_shared_memory_that_stay_are_seen(stage: Stage) -> None:
    region = SHM_FOLDER / f"lipsync-{os.getpid()}-chaos"
    video, part = stage.outputs / "job0.mp4", stage.outputs / ".1234.part.mp4"
    for path in (region, video, part, stage.temporary / "left"):
        path.touch()
    try:
        left = look(stage.temporary, stage.outputs, {video}, {os.getpid()})
        others = look(stage.temporary, stage.outputs, {video}, {1})
    finally:
        region.unlink()
    assert len(left.processes) == 2
    assert region.name in left.shared_memory
    assert left.files == [str(stage.temporary / "left"), str(part)]
    assert others.shared_memory == []


def test_clearing_the_stage_ends_what_is_left(
    stage: Stage, sleeper: "subprocess.Popen[bytes]"
) -> None:
    stage.clear()
    assert running(stage.temporary) == []
    assert sleeper.wait(10) == -signal.SIGKILL


def test_the_table_counts_by_victim_and_blow() -> None:
    fine = Outcome(plan("stub"), landed=True, ending="finished", recovered_s=1.5)
    hung = Outcome(plan("stub"), landed=True, hang="the end of job0 not within 120 s")
    left = Outcome(plan("guardian"), ending="failed", traces=Traces(["7 python"], ["lipsync-"]))
    lines = [" ".join(line.split()) for line in table([fine, hung, left]).splitlines()]
    assert lines[1] == "guardian (own) SIGKILL 1 1 0 1 0 - 0 1 1 0"
    assert lines[2] == "stub (own) SIGKILL 2 0 1 0 0 1.5/1.5 1 0 0 0"
    assert lines[3] == "all 3 1 1 1 0 1.5/1.5 1 1 1 0"


@pytest.mark.server
def test_a_round_that_outlives_its_deadline_is_a_hang_and_is_cleared(
    tmp_path: Path, job: Job
) -> None:
    real = Job(DATA / "portrait.mp4", DATA / "speech.wav", job.pictures, job.samples)
    stage = Stage(tmp_path / "round", 2.0)
    outcome = Round(plan(moment=1.0), real, 60.0, stage).play()
    assert outcome.hang is not None
    assert outcome.violations
    assert running(stage.temporary) == []


@pytest.mark.server
def test_a_job_that_is_killed_leaves_nothing(tmp_path: Path, job: Job) -> None:
    audio = make_recording(tmp_path / "speech.wav")
    real = Job(DATA / "portrait.mp4", audio, job.pictures, job.samples)
    outcome = Round(plan(moment=0.5), real, 4.0, Stage(tmp_path / "round", 60.0)).play()
    assert outcome.landed
    assert outcome.ending == "stopped"
    assert outcome.violations == []

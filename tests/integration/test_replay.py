"""The replay meets what it means to: the old design jams and ours does not."""

import os
import signal
from pathlib import Path

import pytest

from benchmarks.commands import wait_for
from benchmarks.replay.cases import Case, Setting
from benchmarks.replay.media import count_frames
from benchmarks.replay.old.service import BUSY, OK
from benchmarks.replay.old_service import OldService
from benchmarks.replay.outcome import broken_limits
from benchmarks.replay.processes import tree
from benchmarks.replay.replay_new import replay_new
from orchestrator.server.runtime import CHECKOUT

FRAMES = 12
TIMEOUT_S = 60.0


@pytest.fixture
def service(tmp_path: Path) -> OldService:
    return OldService(tmp_path, tmp_path / "fault.json", load_s=0.0)


def test_the_old_design_makes_jobs_one_after_another(service: OldService) -> None:
    with service:
        for code in ("1", "2"):
            assert service.submit(code, FRAMES)[0] == OK
            assert service.submit("other", FRAMES) == (BUSY, "忙碌中")
            wait_for(lambda: not service.state().busy, TIMEOUT_S, "the job's end")
            assert count_frames(service.output(code)) == FRAMES
    assert tree(service.pid) == []


def test_the_old_design_stays_busy_once_its_consumer_is_dead(service: OldService) -> None:
    with service:
        os.kill(service.state().pids["audio_transfer"], signal.SIGKILL)
        assert service.submit("1", FRAMES)[0] == OK
        wait_for(lambda: "write_video" in service.state().alive, TIMEOUT_S, "the writer")
        assert service.state().dead == ("audio_transfer",)
        assert service.submit("2", FRAMES) == (BUSY, "忙碌中")
    assert tree(service.pid) == []


@pytest.mark.server
def test_our_design_makes_every_frame_though_the_model_is_killed(tmp_path: Path) -> None:
    if not (CHECKOUT / ".triton").is_dir():
        pytest.skip("the embedded server's environment .triton does not exist: run make setup")
    outcome = replay_new(Setting(Case.KILLED_MODEL, 30, 0.0), tmp_path)
    assert broken_limits(outcome) == []
    assert outcome.recovered_s is not None

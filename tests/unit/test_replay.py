"""The replay of the old failure: its fault, its readings, its judgement, and the old design."""

import json
import logging
import os
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing import Value
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
import pytest

from benchmarks.commands import CommandError
from benchmarks.replay import fault, repository
from benchmarks.replay.__main__ import load, save
from benchmarks.replay.cases import PUT_TIMEOUT_S, Case, Design, Setting
from benchmarks.replay.events import Events, resumed_s
from benchmarks.replay.fault import Fault, Order
from benchmarks.replay.media import VIDEO, count_frames
from benchmarks.replay.old import stages
from benchmarks.replay.old.renderer import FACE, pasted
from benchmarks.replay.outcome import Outcome, broken_limits, remarks, table
from benchmarks.replay.processes import Memory, Process, is_server, is_stub_of, memory_mb, tree


class HangsError(Exception):
    """In the place of what never returns."""


@pytest.fixture
def order_file(tmp_path: Path) -> Path:
    return tmp_path / "fault.json"


@pytest.fixture
def hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang() -> None:
        raise HangsError

    monkeypatch.setattr(fault, "hang", hang)


def test_an_order_is_what_was_written_and_nothing_once_the_file_is_gone(order_file: Path) -> None:
    Order(batch_s=0.5, hang_at=7).write(order_file)
    assert Order.read(order_file) == Order(0.5, 7)
    order_file.unlink()
    assert Order.read(order_file) == Order()


@pytest.mark.usefixtures("hangs")
def test_a_batch_hangs_once_at_its_frame_and_proofs_of_the_server_do_not_count(
    order_file: Path,
) -> None:
    Order(hang_at=3).write(order_file)
    before = Fault(order_file)
    for frames in (1, 0, 0, 1, 0):
        before.meet(frames)
    with pytest.raises(HangsError):
        before.meet(1)
    assert not order_file.exists()
    before.meet(1)


def test_a_slow_batch_takes_longer_whoever_asks(order_file: Path) -> None:
    Order(batch_s=0.05).write(order_file)
    began_s = time.monotonic()
    Fault(order_file).meet(0)
    assert time.monotonic() - began_s >= 0.05


def test_the_faulty_renderer_keeps_its_tensors_and_manifest(order_file: Path) -> None:
    text_format = pytest.importorskip("google.protobuf.text_format")
    messages = pytest.importorskip("tritonclient.grpc.model_config_pb2")
    shipped = (repository.SHIPPED / repository.MODEL / "config.pbtxt").read_text("utf-8")
    before = text_format.Parse(shipped, messages.ModelConfig())
    after = text_format.Parse(repository.faulty_config(shipped, order_file), messages.ModelConfig())
    assert (after.backend, after.max_batch_size) == ("python", 1)
    assert after.default_model_filename == "model.py"
    assert not after.model_warmup
    assert after.parameters["fault_file"].string_value == str(order_file)
    assert (after.input, after.output) == (before.input, before.output)
    assert after.parameters["manifest.1"] == before.parameters["manifest.1"]


def test_a_configuration_of_another_layout_is_refused(order_file: Path) -> None:
    with pytest.raises(CommandError, match="backend"):
        repository.faulty_config("name: 'other'\n", order_file)


def test_the_faulty_repository_has_all_models_and_what_the_renderer_imports(
    tmp_path: Path, order_file: Path
) -> None:
    made = repository.make_repository(tmp_path / "repository", order_file)
    shipped = {path.parent.name for path in repository.SHIPPED.glob("*/config.pbtxt")}
    assert {path.parent.name for path in made.glob("*/config.pbtxt")} == shipped
    version = made / repository.MODEL / repository.VERSION
    assert (version / "model.onnx").read_bytes() == repository.ONNX.read_bytes()
    code = "from benchmarks.replay.fault import Fault; print(Fault.__module__)"
    command = [sys.executable, "-S", "-c", code]  # the server's Python has none of our packages
    done = subprocess.run(command, cwd=version, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "benchmarks.replay.fault"


def told(file: Path, *events: dict[str, object]) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(event) + "\n" for event in events)


def test_events_are_read_as_they_come_and_broken_lines_wait_for_their_rest(tmp_path: Path) -> None:
    file = tmp_path / "job.err"
    told(file, {"event": "stage", "stage": "prepare"})
    told(file, {"event": "progress", "stage": "prepare", "done": 9})
    events = Events(file)
    events.read()
    assert (events.stage, events.done) == ("prepare", 0)
    told(file, {"event": "stage", "stage": "speak"})
    with file.open("a", encoding="utf-8") as stream:
        stream.write('{"event": "progress", "stage": "sp')
    events.read()
    assert (events.stage, events.done) == ("speak", 0)
    with file.open("a", encoding="utf-8") as stream:
        stream.write('eak", "done": 12}\n')
    events.read()
    assert [done for _, done in events.marks] == [12]


def test_the_error_of_a_job_is_its_kind_and_its_sentence(tmp_path: Path) -> None:
    file = tmp_path / "job.err"
    told(file, {"event": "failed", "error": "StalledError", "message": "landmark2face hangs"})
    with file.open("a", encoding="utf-8") as stream:
        stream.write("error: landmark2face hangs\n")
    events = Events(file)
    events.read()
    assert (events.error, events.message) == ("StalledError", "landmark2face hangs")


def test_frames_flow_again_at_the_end_of_the_longest_pause_after_the_blow() -> None:
    marks = [(8.0, 1), (10.5, 2), (14.0, 3), (14.5, 4), (15.0, 5)]
    assert resumed_s(marks, 10.0) == 4.0
    assert resumed_s(marks, 15.0) is None


def test_the_memory_of_a_tree_is_that_of_all_below_it_while_they_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        found = tree(os.getpid())
        assert {os.getpid(), child.pid} <= {process.pid for process in found}
        assert memory_mb(found) > memory_mb([p for p in found if p.pid != child.pid]) > 1
    finally:
        child.kill()
    deadline_s = time.monotonic() + 10
    while any(process.pid == child.pid for process in tree(os.getpid())):
        assert time.monotonic() < deadline_s
    child.wait()


def test_the_slope_is_that_of_the_second_half() -> None:
    times_s = [float(second) for second in range(240)]
    values_mb = [second * 1.0 if second < 120 else 120 + second / 60 * 3 for second in times_s]
    memory = Memory(times_s, values_mb)
    assert memory.slope_mb_per_min == pytest.approx(3)
    assert memory.half_s == pytest.approx(119.5)
    assert Memory().slope_mb_per_min == 0


def test_victims_are_told_by_their_command_lines() -> None:
    folder = "/tmp/x/repository"  # noqa: S108
    stub = Process(1, ("/x/triton_python_backend_stub", f"{folder}/landmark2face/1/model.py"))
    server = Process(2, ("/x/bin/tritonserver", "--load-model=landmark2face"))
    assert is_stub_of(stub, "landmark2face")
    assert not is_stub_of(stub, "wenet")
    assert not is_stub_of(server, "landmark2face")
    assert is_server(server)
    assert not is_server(stub)


@pytest.mark.parametrize("case", list(Case))
def test_a_deadline_leaves_the_old_producer_time_to_give_up(case: Case) -> None:
    setting = Setting(case, 150, 5.0)
    usual_s = setting.frames * setting.order.batch_s
    assert setting.deadline_s > usual_s + PUT_TIMEOUT_S


def good(case: Case) -> Outcome:
    outcome = Outcome.of(Setting(case, 40, 5.0), Design.NEW)
    ending: dict[str, Any] = {"end": "finished", "frames": 40, "recovered_s": 2.0}
    if case is Case.HUNG:
        end = "speak: landmark2face has finished no batch"
        ending = {"end": end, "error": "StalledError", "stage": "speak", "told_s": 12.0}
    return replace(outcome, **ending, next_job="finished, 40 frames in 3.0 s")


@pytest.mark.parametrize("case", list(Case))
def test_our_design_is_judged_and_the_old_one_is_not(case: Case) -> None:
    assert broken_limits(good(case)) == []
    jammed = replace(good(case), end="jammed", frames=1, error=None, next_job="refused")
    assert len(broken_limits(jammed)) >= 2
    assert broken_limits(replace(jammed, design=Design.OLD)) == []


@pytest.mark.parametrize(
    ("case", "fault"),
    [
        (Case.SLOW, {"frames": 39}),
        (Case.SLOW, {"memory": {"server": {"slope_mb_per_min": 1.5, "half_s": 300.0}}}),
        (Case.HUNG, {"told_s": 15.5}),
        (Case.HUNG, {"told_s": None}),
        (Case.HUNG, {"error": "ServerError"}),
        (Case.HUNG, {"end": "speak: a model hangs"}),
        (Case.HUNG, {"end": "landmark2face hangs"}),
        (Case.KILLED_MODEL, {"end": "landmark2face died"}),
        (Case.KILLED_MODEL, {"recovered_s": None}),
        (Case.KILLED_SERVER, {"next_job": "No server answers"}),
    ],
)
def test_each_limit_can_be_broken_alone(case: Case, fault: dict[str, Any]) -> None:
    assert len(broken_limits(replace(good(case), **fault))) == 1


def test_memory_that_had_no_time_to_settle_is_not_judged() -> None:
    memory = {"server": {"peak_mb": 600.0, "slope_mb_per_min": 50.0, "half_s": 30.0}}
    assert broken_limits(replace(good(Case.SLOW), memory=memory)) == []


def test_the_table_is_markdown_of_one_line_each() -> None:
    old = replace(good(Case.HUNG), design=Design.OLD, end="jammed |\nfor ever", recovered_s=1.5)
    lines = table([good(Case.SLOW), old]).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("| slow, 5 s a batch | new | finished | 40 of 40 | 0.0 | 0 | ")
    assert "jammed \\| for ever" in lines[3]
    assert remarks(old)[-1] == "hung, old: frames written again 1.5 s after the kill"


def test_replays_are_found_again_in_their_file(tmp_path: Path) -> None:
    file = tmp_path / "out" / "replay.json"
    assert load(file) == []
    outcomes = [good(Case.SLOW), replace(good(Case.HUNG), next_job="refused")]
    save(file, outcomes)
    assert load(file) == outcomes
    assert len({outcome.key for outcome in outcomes}) == 2
    assert json.loads(file.read_text(encoding="utf-8"))["broken"] == ["hung: the next job: refused"]


def test_the_old_producer_says_that_the_queue_is_full_to_its_log_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(stages, "PUT_TIMEOUT_S", 0.1)
    queue: Any = Queue(3)
    stages.drivered_video(VIDEO, 10, 1, "code", queue, tmp_path / "dh.log")
    items = [queue.get_nowait() for _ in range(queue.qsize())]
    assert [item[3] for item in items] == [0, 1, 2]
    assert [record.message for record in caplog.records][-1] == stages.FULL
    assert caplog.text.count(stages.SENT) == 3


def test_the_old_writer_ends_with_the_word_that_all_is_there(tmp_path: Path) -> None:
    queue: Any = Queue()
    stages.drivered_video(VIDEO, 4, 3, "code", queue, tmp_path / "dh.log")
    while isinstance((item := queue.get())[0], list):
        queue.put([0, 0, item[0]])
    queue.put(item)
    written = Value("i", 0)
    output = tmp_path / "out.mp4"
    stages.write_video(queue, output, (960, 720), written, tmp_path / "dh.log")
    assert (written.value, count_frames(output)) == (4, 4)


def test_the_old_consumer_passes_the_error_of_a_batch_on_and_goes_on() -> None:
    class Broken:
        def render(self, *_: object) -> None:
            raise ValueError("no such frame")

    broken: Any = Broken()
    assert stages.rendered(broken, [[], [], "code", 0]) == [False, "no such frame", ""]


def test_what_is_pasted_covers_the_face_and_nothing_else() -> None:
    picture = np.full((720, 960, 3), 200, np.uint8)
    interior = np.zeros((256, 256, 4), np.uint8)
    interior[100, 100] = (10, 20, 30, 255)
    result = pasted(picture, interior)
    assert result[FACE][100, 100].tolist() == [10, 20, 30]
    assert (result != picture).any(axis=2).sum() == 1


def test_what_is_no_video_has_no_frames(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    assert count_frames(tmp_path / "broken.mp4") == count_frames(tmp_path / "none.mp4") == 0

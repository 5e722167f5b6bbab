"""What an old service's log shows, told in sentences. The logs here are written for the tests."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from client.errors import InputError
from orchestrator.doctor.events import MOST_ALIKE, Event
from orchestrator.doctor.explain import Explanation, explain
from orchestrator.doctor.log_lines import CHUNK, read_lines

INIT = "[2025-03-19 22:36:58] [app_local.py[line:12]] [INFO] [TransDhTask init]"
OPTIONS = "              num_threads: 4"
READY = "[2025-03-19 22:37:20] [process.py[line:108]] [INFO] [>>> 数字人图片处理进程启动]"
TASK = "[2025-03-19 22:38:00] [run.py[line:184]] [INFO] [任务:1004 -> audio_url:a.wav video_url:b]"
BEGIN = "[2025-03-19 22:38:03] [INFO] [[1004]任务视频驱动队列启动 batch_size:4, len:841]"
FULL = "[2025-03-19 22:39:04,153] [ERROR] [[1004]任务视频驱动队列满，严重阻塞，下游队列异常]"
BUSY = '{"code": 10001, "msg": "忙碌中", "success": true}'
NO_CUDA = (
    "2025-03-19 22:37:06 [E:onnxruntime:Default] FAIL : Failed to load library "
    "libonnxruntime_providers_cuda.so with error: libcudnn.so.9: cannot open shared object file"
)
DIED = """\
Process Process-2:
Traceback (most recent call last):
  File "/usr/lib/python3.8/multiprocessing/process.py", line 315, in _bootstrap
    self.run()
  File "trans_dh_service.py", line 470, in trans_dh_service.audio_transfer
RuntimeError: CUDA error: out of memory"""
EMPTY = """\
Traceback (most recent call last):
  File "trans_dh_service.py", line 1257, in trans_dh_service.TransDhTask.work
  File "/usr/lib/python3.8/multiprocessing/queues.py", line 108, in get
    raise Empty
_queue.Empty"""
FAILED = "[2025-03-19 22:38:12] [run.py[line:184]] [ERROR] [[1004]任务执行失败，异常信息:[]]"
HEARD = "[2025-03-19 22:38:02] [run.py[line:184]] [INFO] [[1004] -> get_aud_feat1 cost:0.33s]"
DONE = "[2025-03-19 22:38:30] [process.py[line:108]] [INFO] [[1004]任务数字人图片处理已完成]"
END = "[2025-03-19 22:38:29] [process.py[line:108]] [INFO] [drivered_video >>> 发送数据结束]"


def sent(frame: int) -> str:
    return f"[2025-03-19 22:38:04,150] [drivered_video >>> 发送数据大小:[4], current_idx:{frame}]"


def taken(frame: int) -> str:
    return f"[2025-03-19 22:38:05] [INFO] [>>> audio_transfer get message:{frame}]"


SENT = [sent(frame) for frame in range(4, 44, 4)]


def told(tmp_path: Path, lines: Sequence[str], encoding: str = "utf-8") -> Explanation:
    log = tmp_path / "dh.log"
    log.write_bytes("\n".join(lines).encode(encoding))
    return explain(log)


def one(explanation: Explanation, words: str) -> Event:
    (event,) = [event for event in explanation.events if words in event.sentence]
    return event


def line_of(lines: Sequence[str], text: str) -> int:
    """Number of the line that ends a block of text."""
    joined = "\n".join(lines)
    return joined[: joined.index(text) + len(text)].count("\n") + 1


def test_a_renderer_that_died_while_loading_is_the_cause_and_the_full_queue_is_not(
    tmp_path: Path,
) -> None:
    lines = [INIT, DIED, TASK, BEGIN, *SENT, FULL]
    explanation = told(tmp_path, lines)

    died = one(explanation, "died before it had loaded its models: the GPU's memory was full")
    assert (died.kind, died.line.number) == ("cause", line_of(lines, DIED))
    full = one(explanation, "The queue of frames was full")
    assert (full.kind, full.line.number) == ("effect", line_of(lines, FULL))
    assert "consequence, not the cause" in full.sentence
    assert f"had died at line {died.line.number}" in full.sentence
    assert "10 batches sent and 0 taken, and for 60 s none more" in full.sentence
    assert f"line {died.line.number}" in explanation.summary


def test_events_stand_in_the_order_of_the_log(tmp_path: Path) -> None:
    explanation = told(tmp_path, [OPTIONS, NO_CUDA, DIED, TASK, BEGIN, *SENT, FULL, BUSY])
    numbers = [event.line.number for event in explanation.events]
    assert numbers == sorted(numbers)


def test_a_renderer_that_never_reported_its_models_is_named(tmp_path: Path) -> None:
    explanation = told(tmp_path, [NO_CUDA, TASK, BEGIN, *SENT, FULL])
    never = one(explanation, "is not shown to have loaded its models")
    assert never.sentence.endswith("line 1 tells why")
    assert one(explanation, "libcudnn.so.9 is missing").line.number == 1


def test_a_renderer_that_stopped_in_the_middle_is_shown_at_its_last_batch(tmp_path: Path) -> None:
    lines = [READY, BEGIN, sent(4), taken(4), sent(8), taken(8), *SENT, FULL]
    stopped = one(told(tmp_path, lines), "took 2 batches, the last one here, and then no more")
    assert (stopped.kind, stopped.line.number) == ("cause", 6)


def test_a_renderer_that_vanished_without_a_word_is_told_so(tmp_path: Path) -> None:
    lines = [READY, BEGIN, *SENT, FULL]
    assert "killed without a word" in one(told(tmp_path, lines), "loaded its models here").sentence


def test_a_later_task_jams_because_of_the_first(tmp_path: Path) -> None:
    lines = [READY, BEGIN, *SENT, FULL, BEGIN.replace("1004", "1005"), *SENT, FULL]
    explanation = told(tmp_path, lines)
    assert one(explanation, "still held by the task that jammed at line 13").mend


def test_the_service_stays_busy_until_it_is_started_again(tmp_path: Path) -> None:
    jam = [INIT, READY, BEGIN, *SENT, FULL, BUSY, BUSY]
    stuck = told(tmp_path, jam)
    assert one(stuck, "2 requests got the answer “busy”").line.number == len(jam)
    assert "Restart the service" in one(stuck, "ends without a restart").mend

    mended = told(tmp_path, [*jam, INIT])
    assert one(mended, "started again, which ended the busy state").line.number == len(jam) + 1
    assert not [e for e in mended.events if "without a restart" in e.sentence]


def test_busy_answers_without_a_jam_may_be_work(tmp_path: Path) -> None:
    busy = one(told(tmp_path, [READY, BUSY, BUSY, BUSY]), "3 requests got the answer “busy”")
    assert (busy.kind, busy.line.number) == ("note", 4)
    assert "one task at a time" in busy.sentence


def test_busy_answers_before_the_jam_are_not_laid_to_it(tmp_path: Path) -> None:
    explanation = told(tmp_path, [READY, BEGIN, BUSY, *SENT, FULL, BUSY])
    assert one(explanation, "Since the queue was full, 1 request got the answer")


def test_num_threads_in_opt_txt_is_said_to_have_no_effect(tmp_path: Path) -> None:
    explanation = told(tmp_path, [OPTIONS, DIED, BEGIN, *SENT, FULL])
    assert one(explanation, "changing that file mends nothing").line.number == 1


def test_faces_that_are_not_measured_in_time_end_the_task(tmp_path: Path) -> None:
    lines = [INIT, TASK, HEARD, EMPTY, EMPTY, FAILED]
    gave_up = one(told(tmp_path, lines), "waited 10 s for the faces")
    assert gave_up.kind == "effect"
    assert gave_up.line.text == "_queue.Empty"


def test_an_answer_that_is_missing_is_not_said_to_be_that_of_the_faces(tmp_path: Path) -> None:
    assert one(told(tmp_path, [EMPTY]), "gave up waiting for an answer of another").mend


def test_slow_measuring_is_worth_a_look_at_the_gpu(tmp_path: Path) -> None:
    slow = "[aea1]init_wh result :[0.9215]， cost: 110.16323208808899 s"
    assert "ONNX Runtime uses the GPU" in one(told(tmp_path, [slow]), "took 110 s").mend


def test_an_error_that_the_renderer_survives_is_not_its_death(tmp_path: Path) -> None:
    caught = (
        DIED.split("\n", 3)[1] + '\n  File "x.py", line 4, in x.audio_transfer\nValueError: bad'
    )
    explanation = told(tmp_path, [READY, caught])
    assert one(explanation, "met an error (ValueError)").line.number == 4


def test_an_error_in_an_excerpt_is_not_laid_to_loading(tmp_path: Path) -> None:
    lines = [BEGIN, sent(4), taken(4), DIED.replace("Process Process-2:\n", "")]
    assert "before it had loaded" not in one(told(tmp_path, lines), "audio_transfer) died").sentence


def test_a_service_that_was_stopped_by_hand_did_not_fail(tmp_path: Path) -> None:
    lines = [READY, DIED.replace("RuntimeError: CUDA error: out of memory", "KeyboardInterrupt")]
    explanation = told(tmp_path, lines)
    assert one(explanation, "stopped by hand").kind == "note"
    assert "no failure" in explanation.summary


def test_lines_of_other_processes_inside_a_traceback_are_read_too(tmp_path: Path) -> None:
    parts = DIED.split("\n")
    explanation = told(tmp_path, [*parts[:3], OPTIONS, BEGIN, *SENT, *parts[3:], FULL])
    assert one(explanation, "The queue of frames was full: 10 batches")
    assert one(explanation, "died before it had loaded")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Killed", "killed from outside"),
        ("heygem-gen-video exited with code 137", "killed from outside"),
        ("Segmentation fault (core dumped)", "crashed in native code"),
        (
            "got exception: No module named 'numexpr', this func",
            "Python package numexpr is missing",
        ),
        ("RuntimeError: CUDA error: no kernel image is available for execution", "newer than"),
        ("[ERROR] [[7]存在多人脸]", "more than one face"),
        ("[ERROR] [format audio error]", "could not convert the audio"),
        ("[ERROR] [[7]任务执行失败，异常信息:[no final result]]", "gave up waiting for its result"),
    ],
)
def test_other_failures_are_known_by_their_lines(tmp_path: Path, line: str, words: str) -> None:
    assert one(told(tmp_path, [READY, line]), words).line.number == 2


def test_frames_that_were_never_sent_are_counted(tmp_path: Path) -> None:
    lines = [READY, BEGIN.replace("841", "150"), sent(148), taken(148), END, DONE]
    assert one(told(tmp_path, lines), "2 frames at the task's end never sent").line.number == 5


def test_a_healthy_log_is_called_that(tmp_path: Path) -> None:
    explanation = told(tmp_path, [INIT, READY, TASK, BEGIN, sent(4), taken(4), DONE])
    assert "show no failure" in explanation.summary
    assert "1 task finished" in explanation.summary


def test_a_log_of_something_else_is_not_explained(tmp_path: Path) -> None:
    explanation = told(tmp_path, ["GET / 200", "hello"])
    assert explanation.summary.startswith("Nothing in these 2 lines is recognised")
    assert explanation.events == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_is_read_in_the_encodings_that_logs_have(tmp_path: Path, encoding: str) -> None:
    explanation = told(tmp_path, [INIT, DIED, BEGIN, *SENT, FULL], encoding)
    assert "任务视频驱动队列满" in one(explanation, "The queue of frames was full").line.quoted


def test_colours_and_the_name_of_a_container_are_no_part_of_a_line(tmp_path: Path) -> None:
    lines = [f"heygem-f2f  | \x1b[31m{line}\x1b[0m" for line in DIED.split("\n")]
    assert one(told(tmp_path, lines), "died before it had loaded").line.quoted.startswith("Runtime")


def test_a_file_without_line_breaks_is_read_in_bounded_parts(tmp_path: Path) -> None:
    log = tmp_path / "binary"
    log.write_bytes("队".encode() * CHUNK)
    lines = list(read_lines(log))
    assert {line.number for line in lines} == {1}
    assert max(len(line.text) for line in lines) <= CHUNK


def test_events_alike_are_counted_not_kept(tmp_path: Path) -> None:
    explanation = told(tmp_path, [READY, *["[ERROR] [[7]存在多人脸]"] * 1000])
    assert len(explanation.events) == MOST_ALIKE
    assert explanation.more == 1000 - MOST_ALIKE


def test_a_missing_log_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        explain(tmp_path / "none.log")


def test_the_text_quotes_the_log_with_line_numbers(tmp_path: Path) -> None:
    text = told(tmp_path, [DIED, BEGIN, *SENT, FULL]).as_text()
    assert "cause   line 6: The rendering process (audio_transfer) died" in text
    assert "| RuntimeError: CUDA error: out of memory" in text
    assert "What to do:" in text

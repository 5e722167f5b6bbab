"""What happened to an old service, told from its log line by line, in bounded memory.

The service has one long-lived process that renders. Frames reach it through a queue of ten batches
whose producer gives up after a minute (later versions: ten). A full queue therefore says that
nobody takes frames any more; why, stands further up in the log, or nowhere in it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.doctor.events import Events
from orchestrator.doctor.log_lines import Line
from orchestrator.doctor.signs import PROCESSES, RESTART, sign_of
from orchestrator.doctor.tracebacks import Raised, Tracebacks

SLOW_MEASURING_S = 10.0  # how long the task waits for the faces to be measured

_RENDERER = "audio_transfer"
_KNOWN = ("发送完成数据大小", "/easy/query", "/easy/submit", "init_wh_process")


@dataclass
class _Task:
    """The task at work; the service has one at a time."""

    code: str
    line: Line
    frames: int = 0
    sent: int = 0
    last_sent: Line | None = None
    last_frame: int = 0
    taken: int = 0
    last_taken: Line | None = None
    heard: bool = False
    measured: bool = False
    gave_up: bool = False


@dataclass
class _Asked:
    """Submissions that were refused."""

    count: int = 0
    last: Line | None = None


@dataclass
class Story:
    """What a log told up to a line.

    Attributes:
        events: What the lines show.
        lines: How many lines were read.
        recognised: How many of them are such a service's.
        finished: How many tasks rendered all that they were sent.
    """

    events: Events = field(default_factory=Events)
    lines: int = 0
    recognised: int = 0
    finished: int = 0
    _tracebacks: Tracebacks = field(default_factory=Tracebacks)
    _task: _Task | None = None
    _renderer_ready: Line | None = None
    _renderer_dead: Line | None = None
    _trouble: Line | None = None
    _jam: Line | None = None
    _options: Line | None = None
    _refused: _Asked = field(default_factory=_Asked)

    def tell(self, line: Line) -> None:
        """Takes the next line of the log."""
        self.lines = line.number
        inside, raised = self._tracebacks.follow(line)
        if raised is not None:
            self._raised(raised)
        elif not inside:
            self._plain(line)

    def end(self) -> None:
        """Tells what only the end of the log shows."""
        if self._jam is None:
            self._tell_refused()
            return
        last = self._refused.last or self._jam
        self._tell_refused()
        self.events.add(
            last,
            "effect",
            f"The log ends without a restart. The task of line {self._jam.number} never ended for"
            " the service, so that it answers every new one with “busy” (忙碌中, code 10001)",
            RESTART,
        )

    def _plain(self, line: Line) -> None:
        for word, pattern, act in _ACTS:
            if word in line.text and (found := pattern.search(line.text)):
                self.recognised += 1
                act(self, line, found)
                return
        self.recognised += any(word in line.text for word in _KNOWN)
        if known := sign_of(line.text):
            sign, meaning = known
            if sign.kind == "cause":
                self._trouble = line
            self.events.add(line, sign.kind, _capital(meaning), sign.mend)

    def _raised(self, raised: Raised) -> None:
        self.recognised += raised.process is not None
        if raised.name == "Empty":
            self._gave_up(raised.line)
        elif raised.name == "KeyboardInterrupt":
            self.events.add(raised.line, "note", "The service was stopped by hand")
        elif raised.name not in ("Exception", "Full"):
            self._failed(raised)

    def _failed(self, raised: Raised) -> None:
        known, renders = sign_of(raised.line.text), raised.process == _RENDERER
        who = PROCESSES.get(raised.process or "", "process that this traceback is of")
        did = "died" if raised.died else "met an error"
        if raised.died and renders:
            did += "" if self._renderer_ready else " before it had loaded its models"
            self._renderer_dead = raised.line
        why = f": {known[1]}" if known else f" ({raised.name})"
        self._trouble = raised.line
        mend = known[0].mend if known else _REPAIR
        self.events.add(raised.line, "cause", f"The {who} {did}{why}", mend)

    def _gave_up(self, line: Line) -> None:
        task = self._task = self._task or _Task("?", line)
        if task.gave_up:
            return  # the same exception is told up to three times
        task.gave_up = True
        if task.heard and not task.measured:
            self.events.add(line, "effect", f"{_NOT_MEASURED}{self._see_trouble()}", _MEASURE_LATER)
        else:
            sentence = "The task gave up waiting for an answer of another of its processes"
            self.events.add(line, "effect", f"{sentence}{self._see_trouble()}", RESTART)

    def _see_trouble(self) -> str:
        return f"; line {self._trouble.number} tells why" if self._trouble else ""

    def _service_started(self, line: Line, _: re.Match[str]) -> None:
        if self._jam is not None:
            self._tell_refused()
            self.events.add(
                line, "note", "The service was started again, which ended the busy state"
            )
        self._jam = self._task = self._renderer_ready = self._renderer_dead = self._trouble = None

    def _renderer_started(self, line: Line, found: re.Match[str]) -> None:
        if self._renderer_ready is not None or self._jam is not None:
            self._service_started(line, found)
        self._renderer_ready, self._renderer_dead = line, None

    def _task_started(self, line: Line, found: re.Match[str]) -> None:
        self._task = _Task(found[1], line)

    def _heard(self, line: Line, _: re.Match[str]) -> None:
        self._task = self._task or _Task("?", line)
        self._task.heard = True

    def _frames_begin(self, line: Line, found: re.Match[str]) -> None:
        if self._task is None or self._task.code != found[1] or self._task.sent:
            self._task = _Task(found[1], line)
        self._task.frames, self._task.measured = int(found[2]), True

    def _measured(self, line: Line, found: re.Match[str]) -> None:
        if self._task is not None:
            self._task.measured = True
        if float(found[1]) > SLOW_MEASURING_S:
            self.events.add(
                line,
                "note",
                f"Measuring the faces took {float(found[1]):.0f} s: models that run on the CPU, or"
                " a GPU that others keep busy, are usual reasons",
                "Check that ONNX Runtime uses the GPU and that the GPU is free.",
            )

    def _sent(self, line: Line, found: re.Match[str]) -> None:
        task = self._task = self._task or _Task("?", line)
        task.sent += 1
        task.last_sent, task.last_frame = line, int(found[1])

    def _taken(self, line: Line, _: re.Match[str]) -> None:
        if self._task is not None:
            self._task.taken += 1
            self._renderer_ready = self._renderer_ready or line
            self._task.last_taken = line

    def _all_sent(self, line: Line, _: re.Match[str]) -> None:
        task = self._task
        left = task.frames - task.last_frame if task is not None else 0
        if left > 0:
            self.events.add(
                line,
                "note",
                f"{count(left, 'frame')} at the task's end never sent: only whole batches are",
            )

    def _finished(self, _: Line, __: re.Match[str]) -> None:
        self.finished += 1

    def _options_shown(self, line: Line, _: re.Match[str]) -> None:
        self._options = line

    def _asked_again(self, line: Line, _: re.Match[str]) -> None:
        self._refused.count += 1
        self._refused.last = line

    def _tell_refused(self) -> None:
        refused, self._refused = self._refused, _Asked()
        if refused.last is None:
            return
        told = (
            f"{count(refused.count, 'request')} got the answer “busy” (忙碌中), this one the last"
        )
        if self._jam is not None:
            self.events.add(refused.last, "effect", f"Since the queue was full, {told}")
        else:
            self.events.add(refused.last, "note", f"{told}. {_ONE_AT_A_TIME}", RESTART)

    def _queue_full(self, line: Line, _: re.Match[str]) -> None:
        task = self._task or _Task("?", line)
        self.events.add(
            line,
            "effect",
            f"The queue of frames was full{_waited(task, line)}. This is a consequence, not the"
            f" cause: nobody took frames from it{self._killer()}. The writer and the task now wait"
            " for ever, and the service stays busy",
            RESTART,
        )
        if self._renderer_dead is None:
            self.events.add(
                task.last_taken or self._renderer_ready or line, "cause", *self._why(task)
            )
        if self._options is not None:
            self.events.add(self._options, "note", _OPTIONS_ARE_OUTPUT)
            self._options = None
        if self._jam is None:
            self._refused = _Asked()  # until here it was busy with work
        self._jam = line

    def _killer(self) -> str:
        dead = self._renderer_dead
        return f", as the {PROCESSES[_RENDERER]} had died at line {dead.number}" if dead else ""

    def _why(self, task: _Task) -> tuple[str, str]:
        """Why a renderer of whose death nothing is known took no frames, and what to do."""
        renderer, hint = f"The {PROCESSES[_RENDERER]}", self._see_trouble()
        if task.taken:
            took = f"took {count(task.taken, 'batch', 'es')}, the last one here, and then no more"
            return f"{renderer} {took}{hint}", _LOOK_OUTSIDE
        if self._renderer_ready is None:
            never = "is not shown to have loaded its models (数字人图片处理进程启动)"
            return f"{renderer} {never}, unless this log begins later{hint}", _LOOK_OUTSIDE
        if self._jam is not None:
            held = f"was still held by the task that jammed at line {self._jam.number}"
            return f"{renderer} {held}", RESTART
        hung = "had loaded its models here and took nothing of this task: it hung in an earlier one"
        return f"{renderer} {hung}, or was killed without a word in this log{hint}", _LOOK_OUTSIDE


_ONE_AT_A_TIME = (
    "The service runs one task at a time; if none was at work, an earlier one never ended for it"
)
_NOT_MEASURED = (
    "The task waited 10 s for the faces to be measured and gave up: the measuring process was not"
    " yet, or no longer, at work"
)
_MEASURE_LATER = (
    "Wait longer after the start before the first task, and check that ONNX Runtime uses the GPU;"
    " restart the service, as the late answer stays in its queue."
)
_LOOK_OUTSIDE = (
    "Look for its end outside of this log (dmesg, docker inspect, nvidia-smi), give it more memory,"
    " and restart the service."
)
_REPAIR = "Repair what the quoted line says; then restart the service."
_OPTIONS_ARE_OUTPUT = (
    "The options that are printed here and kept in opt.txt (num_threads among them) are written at"
    " every start and never read: changing that file mends nothing"
)

# A word that the line holds (quick to look for), a pattern for the rest of it, what to do.
_ACTS: tuple[tuple[str, re.Pattern[str], Callable[[Story, Line, re.Match[str]], None]], ...] = (
    ("发送数据大小", re.compile(r"发送数据大小:\[\d+\], current_idx:(\d+)"), Story._sent),
    ("audio_transfer get", re.compile("audio_transfer get message:"), Story._taken),
    ("忙碌中", re.compile("忙碌中"), Story._asked_again),
    ("任务视频驱动队列满", re.compile("队列满"), Story._queue_full),
    (
        "任务视频驱动队列启动",
        re.compile(r"\[([^\[\]]*)\]任务视频驱动队列启动 batch_size:\d+, len:(\d+)"),
        Story._frames_begin,
    ),
    ("-> audio_url", re.compile(r"任务:(\S+) -> audio_url"), Story._task_started),
    ("get_aud_feat1 cost", re.compile("cost"), Story._heard),
    ("init_wh result", re.compile(r"init_wh result :.*cost: ?([\d.]+)"), Story._measured),
    ("进程启动", re.compile("数字人图片处理进程启动"), Story._renderer_started),
    ("TransDhTask init", re.compile("init"), Story._service_started),
    ("发送数据结束", re.compile("发送数据结束"), Story._all_sent),
    ("任务数字人图片处理已完成", re.compile("已完成"), Story._finished),
    ("num_threads:", re.compile(r"num_threads: \d"), Story._options_shown),
)


def _waited(task: _Task, line: Line) -> str:
    sent = f": {count(task.sent, 'batch', 'es')} sent and {task.taken} taken"
    if task.last_sent is None or task.last_sent.time is None or line.time is None:
        return sent
    return f"{sent}, and for {(line.time - task.last_sent.time).total_seconds():.0f} s none more"


def count(number: int, noun: str, ending: str = "s") -> str:
    """Writes a number of things."""
    return f"{number} {noun}{'' if number == 1 else ending}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]

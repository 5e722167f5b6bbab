"""The old design, rebuilt from descriptions of its behaviour: ``python -m benchmarks.replay.old``.

One job at a time over HTTP: POST /easy/submit and GET /easy/query as its clients know them, and
GET /state, which is ours, to look inside.
"""

from __future__ import annotations

import json
import multiprocessing
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Final

import av

from benchmarks.replay.old.stages import (
    QUEUE_ITEMS,
    Items,
    audio_transfer,
    drivered_video,
    write_video,
)

OK: Final = 10000
BUSY: Final = 10001
UNKNOWN: Final = 10004
MESSAGES: Final = {OK: "成功", BUSY: "忙碌中", UNKNOWN: "任务不存在"}
RUNNING: Final = 1
SUCCESS: Final = 2


class Service:
    """Takes a job when none runs.

    Args:
        clip: Whose frames are used.
        folder: Where videos and the log go.
        fault_file: The renderer's fault.
        batch_size: Frames of one item.
        load_s: How much longer than usual the model takes to load.
    """

    def __init__(
        self, clip: Path, folder: Path, fault_file: Path, batch_size: int, load_s: float
    ) -> None:
        self._clip, self._folder, self._batch_size = clip, folder, batch_size
        self._log = folder / "dh.log"
        self._context = multiprocessing.get_context("spawn")
        self._inbox: Items = self._context.Queue(QUEUE_ITEMS)
        self._outbox: Items = self._context.Queue(QUEUE_ITEMS)
        self._written = self._context.Value("i", 0)
        self._processes: dict[str, SpawnProcess] = {}
        self._status: dict[str, int] = {}
        self.run_flag = False
        self._start(audio_transfer, self._inbox, self._outbox, fault_file, load_s, self._log)

    def submit(self, code: str, frames: int) -> int:
        """Begins a job, if none runs; returns the service's number for what it did."""
        if self.run_flag:
            return BUSY
        self.run_flag, self._status[code] = True, RUNNING
        self._written.value = 0
        threading.Thread(target=self.work, args=(code, frames), daemon=True).start()
        return OK

    def work(self, code: str, frames: int) -> None:
        """Starts a job's processes and waits for the last of them without a limit."""
        producer = (self._clip, frames, self._batch_size, code, self._inbox, self._log)
        self._start(drivered_video, *producer)
        output = self._folder / f"{code}-r.mp4"
        writer = (self._outbox, output, size_of(self._clip), self._written, self._log)
        self._start(write_video, *writer).join()
        self._status[code] = SUCCESS
        self.run_flag = False

    def query(self, code: str) -> tuple[int, dict[str, object]]:
        """Returns the service's number and what it tells of a job."""
        status = self._status.get(code)
        return (OK, {"code": code, "status": status}) if status else (UNKNOWN, {})

    def state(self) -> dict[str, object]:
        """Returns what only a look inside shows."""
        return {
            "run_flag": self.run_flag,
            "written": self._written.value,
            "processes": {name: [p.pid, p.is_alive()] for name, p in self._processes.items()},
        }

    def _start(self, target: Any, *arguments: object) -> SpawnProcess:
        name = target.__name__
        process = self._context.Process(target=target, args=arguments, name=name, daemon=True)
        self._processes[name] = process
        process.start()
        return process


def size_of(clip: Path) -> tuple[int, int]:
    """Returns width and height of a clip."""
    with av.open(str(clip)) as container:
        return container.streams.video[0].width, container.streams.video[0].height


class Handler(BaseHTTPRequestHandler):
    """Answers one request at a time; always with status 200, as the old service did."""

    def __init__(self, service: Service, *arguments: Any) -> None:
        self._service = service
        super().__init__(*arguments)

    def do_POST(self) -> None:
        """Takes a job."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(self._service.submit(body["code"], body["frames"]), {})

    def do_GET(self) -> None:
        """Tells of a job, or of the inside."""
        if self.path == "/state":
            self._answer(OK, self._service.state())
        else:
            self._answer(*self._service.query(self.path.rpartition("=")[2]))

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def _answer(self, code: int, data: dict[str, object]) -> None:
        answer = {"code": code, "success": True, "msg": MESSAGES[code], "data": data}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())


def serve(service: Service, address_file: Path) -> None:
    """Serves until it is killed; writes its port to a file."""
    server = HTTPServer(("127.0.0.1", 0), partial(Handler, service))
    address_file.write_text(str(server.server_port), encoding="utf-8")
    server.serve_forever()

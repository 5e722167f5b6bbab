"""An ONNX model alone in a process: what a server could reach at most.

Run by the Python of the embedded server, so that the library is the same:
`python alone.py MODEL INPUTS`. Every line of standard input is a setting and a time, as JSON
(`{"sessions": 1, "threads": 2, "batch": 4, "spinning": false, "seconds": 2.0}`); every answer is a
line with the rows per second and the processor seconds of a row. Inputs take turns, as those of
a real job are never the ones that are in the cache already.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import onnxruntime as ort

WARM_UP = 3
ROWS = 32  # of inputs that take turns


@cache
def session(path: str, number: int, threads: int, spinning: bool) -> Any:
    """Opens a session as the backend does; every number has one of its own."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run_for(model: Any, batches: list[dict[str, Any]], seconds: float) -> int:
    """Runs batches in turns; returns how many."""
    runs, end_s = 0, time.perf_counter() + seconds
    while time.perf_counter() < end_s:
        model.run(None, batches[runs % len(batches)])
        runs += 1
    return runs


def measure(path: str, row: dict[str, Any], setting: dict[str, Any]) -> dict[str, float]:
    """Measures one setting."""
    batch = setting["batch"]
    batches = [
        {name: np.repeat(array[:1], batch, 0) for name, array in row.items()}
        for _ in range(ROWS // batch)
    ]
    sessions = [
        session(path, number, setting["threads"], setting["spinning"])
        for number in range(setting["sessions"])
    ]
    for model in sessions:
        for _ in range(WARM_UP):
            model.run(None, batches[0])
    with ThreadPoolExecutor(len(sessions)) as pool:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        work = [pool.submit(run_for, model, batches, setting["seconds"]) for model in sessions]
        rows = batch * sum(each.result() for each in work)
        wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    return {"rows_per_s": rows / wall_s, "cpu_ms": 1000 * cpu_s / rows}


def main() -> None:
    """Answers until standard input ends."""
    path, inputs = sys.argv[1:]
    with np.load(inputs) as arrays:
        row = {name.removeprefix("input_"): arrays[name] for name in arrays if name[:6] == "input_"}
    for line in sys.stdin:
        answer = measure(path, row, json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Runs models under whatever ONNX Runtime its Python has; needs that and numpy alone.

Standard input is a JSON list of runs, `{"model": ..., "inputs": ..., "outputs": ...}`: an ONNX
file, an npz file to feed it from and one to write to. A line of JSON for each run tells which
runtime it was, and either what the model declares or why it could not be run.
"""

import json
import sys
from typing import Any

import numpy as np
import onnxruntime


def main() -> None:
    """Does every run."""
    for run in json.load(sys.stdin):
        sys.stdout.write(json.dumps({"runtime": onnxruntime.__version__} | attempt(run)) + "\n")


def attempt(run: dict[str, str]) -> dict[str, Any]:
    """Does one run; tells the model's declared tensors, or the error."""
    try:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # the error is told once
        session = onnxruntime.InferenceSession(
            run["model"], options, providers=["CPUExecutionProvider"]
        )
        feed(session, run["inputs"], run["outputs"])
    except Exception as error:  # ONNX Runtime's own have no common root
        return {"error": str(error)}
    return {"inputs": told(session.get_inputs()), "outputs": told(session.get_outputs())}


def feed(session: Any, inputs: str, outputs: str) -> None:
    """Runs a session once, from file to file."""
    names = [node.name for node in session.get_outputs()]
    with np.load(inputs) as arrays:
        results = session.run(names, dict(arrays))
    np.savez(outputs, allow_pickle=False, **dict(zip(names, results, strict=True)))


def told(nodes: list[Any]) -> list[list[Any]]:
    """Name, type and shape of each tensor; a free axis has a name, or none."""
    return [[node.name, node.type, list(node.shape)] for node in nodes]


if __name__ == "__main__":
    main()

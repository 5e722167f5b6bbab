"""The renderer behind a fault: `model.py` of a python model, which the server's Python runs.

It is the project's own backend with the same ONNX file; only a fault stands before its batches.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backends.onnxruntime.model import TritonPythonModel as OnnxModel
from backends.shared.answers import inputs_of
from benchmarks.replay.fault import Fault


class TritonPythonModel(OnnxModel):
    """One instance of the model."""

    def initialize(self, args: dict[str, str]) -> None:
        """Opens the ONNX file beside this one.

        Args:
            args: What Triton tells an instance; the parameter `fault_file` of its configuration
                names the file of the fault.
        """
        config = json.loads(args["model_config"])
        self._fault = Fault(Path(config["parameters"]["fault_file"]["string_value"]))
        config["default_model_filename"] = "model.onnx"
        super().initialize({**args, "model_config": json.dumps(config)})

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answers every request once the fault lets it."""
        faces = [inputs_of(request)["face"] for request in requests]
        self._fault.meet(sum(len(face) for face in faces if face.any()))
        return super().execute(requests)

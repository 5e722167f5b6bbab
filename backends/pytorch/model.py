"""Triton's `pytorch` backend in Python: TorchScript for servers without the native one.

The same `config.pbtxt` serves both. Triton imports this file in a process of its own for every
model instance and calls `TritonPythonModel`. Like the native backend it completes no
configuration: a TorchScript file does not tell shapes or types.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from backends.shared.answers import answer
from backends.shared.cores import given_cores

try:
    from backends.pytorch.runner import Grant, Runner
except ModuleNotFoundError as missing:
    if missing.name != "torch":
        raise
    raise ModuleNotFoundError(
        f"backend pytorch needs torch, which is not in the server's environment {sys.prefix}; run "
        "make torch, or export the model to ONNX"
    ) from missing


class TritonPythonModel:
    """One instance of one model version."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the model and makes sure that it fits its configuration.

        Args:
            args: What Triton tells an instance; all values are text.

        Raises:
            ValueError: If the model cannot be served as configured.
        """
        grant = Grant(
            kind=args["model_instance_kind"],
            device_id=int(args["model_instance_device_id"]),
            cores=given_cores(),
        )
        version_folder = Path(args["model_repository"], args["model_version"])
        self._runner = Runner(args["model_config"], version_folder, grant)
        pb_utils.Logger.log_info(f"{args['model_instance_name']}: {self._runner.describe()}")

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answers every request, in order, with its outputs or its own error."""
        return answer(requests, self._runner, batched=self._runner.config.is_batched)

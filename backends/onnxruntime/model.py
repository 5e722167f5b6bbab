"""Triton's `onnxruntime` backend in Python, for servers that come without the native one.

The same `config.pbtxt` serves both. Triton imports this file in a process of its own for every
model instance and calls `TritonPythonModel`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from backends.onnxruntime.session import open_session
from backends.onnxruntime.signature import check_signature
from backends.shared.answers import answer
from backends.shared.batching import Arrays
from backends.shared.config import ModelConfig
from backends.shared.cores import given_cores


class TritonPythonModel:
    """One instance of one model version."""

    def initialize(self, args: dict[str, str]) -> None:
        """Opens the model and makes sure that it fits its configuration.

        Args:
            args: What Triton tells an instance; all values are text.

        Raises:
            ValueError: If the model cannot be served as configured.
        """
        self._config = ModelConfig.parse(args["model_config"])
        self._session = open_session(
            Path(args["model_repository"], args["model_version"], self._config.file_name),
            self._config,
            kind=args["model_instance_kind"],
            device_id=int(args["model_instance_device_id"]),
            cores=given_cores(),
        )
        check_signature(self._config, self._session.get_inputs(), self._session.get_outputs())
        self._outputs = [tensor.name for tensor in self._config.outputs]
        pb_utils.Logger.log_info(
            f"{args['model_instance_name']}: {self._config.file_name} runs on "
            f"{self._session.get_providers()[0]}, "
            f"{self._session.get_session_options().intra_op_num_threads} threads"
        )

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answers every request, in order, with its outputs or its own error."""
        return answer(requests, self._run)

    def _run(self, inputs: Arrays) -> Arrays:
        values = self._session.run(self._outputs, dict(inputs))
        return dict(zip(self._outputs, values, strict=True))

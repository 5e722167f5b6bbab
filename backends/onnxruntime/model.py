"""Triton's `onnxruntime` backend in Python, for servers that come without the native one.

The same `config.pbtxt` serves both. Triton imports this file in a process of its own for every
model instance and calls `TritonPythonModel`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from backends.onnxruntime.batching import Arrays, run_requests
from backends.onnxruntime.config import ModelConfig
from backends.onnxruntime.cores import given_cores
from backends.onnxruntime.session import open_session
from backends.onnxruntime.signature import check_signature


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
        batch = [self._inputs(request) for request in requests]
        results = run_requests(batch, self._run)
        return [
            _response(request, result) for request, result in zip(requests, results, strict=True)
        ]

    def _inputs(self, request: Any) -> Arrays:
        return {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}

    def _run(self, inputs: Arrays) -> Arrays:
        values = self._session.run(self._outputs, dict(inputs))
        return dict(zip(self._outputs, values, strict=True))


def _response(request: Any, result: Arrays | Exception) -> Any:
    if isinstance(result, Exception):
        return pb_utils.InferenceResponse(error=_error(result))
    names = request.requested_output_names()
    tensors = [pb_utils.Tensor(name, result[name]) for name in names]
    return pb_utils.InferenceResponse(output_tensors=tensors)


def _error(error: Exception) -> Any:
    malformed = isinstance(error, ValueError)
    code = pb_utils.TritonError.INVALID_ARG if malformed else pb_utils.TritonError.INTERNAL
    return pb_utils.TritonError(str(error), code)

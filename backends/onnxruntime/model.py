"""Triton's `onnxruntime` backend in Python, for servers that come without the native one.

The same `config.pbtxt` serves both. Triton imports this file in a process of its own for every
model instance and calls `TritonPythonModel`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from backends.onnxruntime.completion import (
    complete,
    is_complete,
    own_version_folder,
    read_signature,
)
from backends.onnxruntime.limits import check_limits
from backends.onnxruntime.session import Grant, open_session
from backends.onnxruntime.signature import Signature, check_signature
from backends.onnxruntime.tensors import Translation
from backends.shared.answers import answer
from backends.shared.batching import Arrays
from backends.shared.config import ModelConfig
from backends.shared.cores import given_cores
from backends.shared.pieces import in_pieces


class TritonPythonModel:
    """One instance of one model version."""

    @staticmethod
    def auto_complete_config(auto_complete_model_config: Any) -> Any:
        """Fills in what a configuration leaves out, from the model file.

        Args:
            auto_complete_model_config: Triton's object for a configuration.

        Raises:
            ValueError: If the model cannot be read, or not be batched as configured.
        """
        config = ModelConfig.parse(json.dumps(auto_complete_model_config.as_dict()))
        if not is_complete(config):
            folder = own_version_folder(config.file_name)
            complete(auto_complete_model_config, read_signature(folder, config))
        return auto_complete_model_config

    def initialize(self, args: dict[str, str]) -> None:
        """Opens the model and makes sure that it fits its configuration.

        Args:
            args: What Triton tells an instance; all values are text.

        Raises:
            ValueError: If the model cannot be served as configured.
        """
        self._config = ModelConfig.parse(args["model_config"])
        grant = Grant(
            kind=args["model_instance_kind"],
            device_id=int(args["model_instance_device_id"]),
            cores=given_cores(),
        )
        check_limits(self._config, grant.kind)
        folder = Path(args["model_repository"], args["model_version"])
        opened = open_session(folder, self._config, grant)
        self._session, self._run_options = opened.session, opened.run_options
        signature = Signature.of(self._session, self._config.file_name)
        check_signature(self._config, signature)
        self._translation = Translation(self._config, signature)
        self._outputs = [tensor.name for tensor in self._config.outputs]
        pieces = opened.threads.pieces
        self._run_batch = in_pieces(self._run, pieces) if pieces else self._run
        subject = f"{args['model_instance_name']}: {self._config.file_name}"
        pb_utils.Logger.log_info(f"{subject} {opened.describe()}")
        for remark in opened.remarks:
            pb_utils.Logger.log_warn(f"{subject}: {remark}")

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answers every request, in order, with its outputs or its own error."""
        return answer(requests, self._run_batch, batched=self._config.is_batched)

    def _run(self, inputs: Arrays) -> Arrays:
        inputs = self._translation.inputs(inputs)
        values = self._session.run(self._outputs, inputs, self._run_options)
        return self._translation.outputs(dict(zip(self._outputs, values, strict=True)))

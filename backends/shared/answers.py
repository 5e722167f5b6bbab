"""What Triton is handed back for a batch of requests."""

from collections.abc import Sequence
from typing import Any

import triton_python_backend_utils as pb_utils

from backends.shared.batching import Arrays, Run, run_requests


def answer(requests: Sequence[Any], run: Run, *, batched: bool = True) -> list[Any]:
    """Runs requests as one batch; every one gets its outputs, or its own error, in order.

    Args:
        requests: Triton's requests.
        run: Runs the model once.
        batched: Whether there is a batch axis; without one, requests are run one by one.
    """
    results = run_requests([inputs_of(request) for request in requests], run, batched=batched)
    return [_response(request, result) for request, result in zip(requests, results, strict=True)]


def inputs_of(request: Any) -> Arrays:
    """Returns the inputs of a request by name."""
    return {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}


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

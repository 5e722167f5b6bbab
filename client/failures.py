"""What a Triton server or its channel reports, as this project's errors."""

import re

from tritonclient.utils import InferenceServerException

from client.errors import (
    InferenceError,
    ModelDiedError,
    ModelUnavailableError,
    RegionLostError,
    ServerError,
    ServerUnavailableError,
)

_STUB_DIED = re.compile(r"Stub process '[^']*' is not healthy")
_REGION_LOST = re.compile(r"[Uu]nable to find (?:system )?shared memory region")
_TRANSPORT = ("connect", "socket", "closed", "reset", "refused", "handshake", "goaway")


def translated(
    error: InferenceServerException, subject: str, url: str
) -> ServerError | InferenceError:
    """Returns the error that a failed call is.

    Args:
        error: What tritonclient raised.
        subject: What was called, as the beginning of a sentence.
        url: The server's endpoint.
    """
    status = str(error.status()).removeprefix("StatusCode.")
    message = one_line(str(error.message()))
    if _REGION_LOST.search(message):
        return RegionLostError(f"The Triton server at {url} was started again ({message}).")
    return (
        _not_served(status, message, subject, url)
        or _died(message, subject, url)
        or _passing(status, message, url)
        or _failed(status, message, subject, url)
    )


def unreachable(url: str) -> ServerUnavailableError:
    """Returns the error of a server that does not answer."""
    return ServerUnavailableError(
        f"No Triton server answers at {url}: start one with `orchestrator serve`, or "
        "check --url (it is the gRPC port, usually 8001)."
    )


def one_line(text: str) -> str:
    """Folds white space, so that a server's message fits one line."""
    return " ".join(text.split()).rstrip(".")


def _not_served(status: str, message: str, subject: str, url: str) -> ModelUnavailableError | None:
    # First: Triton calls a model that is not ready unknown, too.
    if "not at ready state" in message or "has no available versions" in message:
        return ModelUnavailableError(
            f"{subject} is not ready at {url}: {message}; wait until it is loaded, or load it."
        )
    if status == "NOT_FOUND" or "unknown model" in message or "not found" in message:
        return ModelUnavailableError(
            f"The server at {url} does not serve {subject}: {message}; load it, or check that its "
            "repository has this model."
        )
    return None


def _died(message: str, subject: str, url: str) -> ModelDiedError | None:
    if not _STUB_DIED.search(message):
        return None
    return ModelDiedError(
        f"{subject} failed at {url} because its process on the server died ({message}): load the "
        "model again, or restart the server."
    )


def _passing(status: str, message: str, url: str) -> ServerUnavailableError | None:
    """What can be over at the next attempt; the caller's own cancellation never comes here."""
    if status not in ("UNAVAILABLE", "CANCELLED") or "is restricted" in message:
        return None
    if any(word in message.lower() for word in _TRANSPORT):
        return unreachable(url)
    return ServerUnavailableError(
        f"The Triton server at {url} takes no requests ({message}): look at its log, or try again "
        "later."
    )


def _failed(status: str, message: str, subject: str, url: str) -> ServerError | InferenceError:
    if status == "DEADLINE_EXCEEDED":
        return ServerUnavailableError(
            f"The Triton server at {url} did not answer a question about {subject} in time: look "
            "at its log, or start it again."
        )
    return InferenceError(f"{subject} failed at {url}: {message}")

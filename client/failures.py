"""What a Triton server or its channel reports, as this project's errors."""

import re

import grpc
from tritonclient.utils import InferenceServerException

from client.errors import (
    AccessError,
    InferenceError,
    ModelDiedError,
    ModelUnavailableError,
    RegionLostError,
    ServerError,
    ServerUnavailableError,
)

_STUB_DIED = re.compile(r"Stub process '[^']*' is not healthy")
_REGION_LOST = re.compile(r"[Uu]nable to find (?:system )?shared memory region")
_RESTRICTED = re.compile(r"restricted, expecting header '(?:triton-grpc-protocol-)?([^']*)'")
_TRUST = re.compile(
    r"(?:(?:[Ss]sl|[Tt]ls) handshake failed[^:]*|verification check failed with error): (?P<why>.*)"
)
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
    message = one_line(message_of(error))
    if _REGION_LOST.search(message):
        return RegionLostError(f"The Triton server at {url} was started again ({message}).")
    return (
        _restricted(message, subject, url)
        or _not_served(status, message, subject, url)
        or _died(message, subject, url)
        or _passing(status, message, url)
        or _failed(status, message, subject, url)
    )


def unreachable(url: str, message: str = "") -> ServerUnavailableError:
    """Returns the error of a server that does not answer.

    Args:
        url: The server's endpoint.
        message: What the channel reports.
    """
    distrust = _TRUST.search(one_line(message))
    if distrust:
        return ServerUnavailableError(
            f"The server at {url} and this client do not trust each other over TLS "
            f"({distrust['why']}): check that it speaks TLS, --tls-ca, and the name in its "
            "certificate."
        )
    return ServerUnavailableError(
        f"No Triton server answers at {url}: start one with `orchestrator serve`, or "
        "check --url (it is the gRPC port, usually 8001; grpcs:// where it speaks TLS, with "
        "--tls-certificate where it asks for one)."
    )


def message_of(error: InferenceServerException | grpc.RpcError) -> str:
    """Returns what a server or its channel reports."""
    return str(error.message() if isinstance(error, InferenceServerException) else error)


def one_line(text: str) -> str:
    """Folds white space, so that a server's message fits one line."""
    return " ".join(text.split()).rstrip(".")


def _restricted(message: str, subject: str, url: str) -> AccessError | None:
    match = _RESTRICTED.search(message)
    if match is None:
        return None
    return AccessError(
        f"The server at {url} lets only those with its key {match[1]!r} touch {subject}: run as "
        "the user who started it, or name the file of the key with --key-file."
    )


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
    if status not in ("UNAVAILABLE", "CANCELLED"):
        return None
    if any(word in message.lower() for word in _TRANSPORT):
        return unreachable(url, message)
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

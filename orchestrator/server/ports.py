"""Free TCP ports on the loopback interface."""

import socket
from contextlib import ExitStack
from dataclasses import dataclass

from client.errors import InputError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The three ports of a server."""

    grpc: int
    http: int
    metrics: int


def choose_ports(
    *, grpc: int | None = None, http: int | None = None, metrics: int | None = None
) -> Ports:
    """Returns the given ports, and free ones where none is given.

    Another process can take a port before the server does; the server then says so at start.

    Raises:
        InputError: If a given port is in use, given twice, or no port.
    """
    given = [port for port in (grpc, http, metrics) if port is not None]
    if len({*given}) < len(given):
        raise InputError(
            f"The ports {', '.join(map(str, given))} are not different: choose others with "
            "--grpc-port, --http-port and --metrics-port."
        )
    with ExitStack() as stack:  # all three are held at once, so that they differ
        held = {
            "grpc": stack.enter_context(_bind("grpc", grpc)),
            "http": stack.enter_context(_bind("http", http)),
            "metrics": stack.enter_context(_bind("metrics", metrics)),
        }
        return Ports(**{name: int(sock.getsockname()[1]) for name, sock in held.items()})


def _bind(name: str, port: int | None) -> socket.socket:
    if port is not None and not 0 < port < 65536:
        raise InputError(
            f"Port {port} is not between 1 and 65535: choose another with --{name}-port."
        )
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # As the server does: a port whose last connection has just closed is free.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((LOOPBACK, port or 0))
    except OSError as error:
        sock.close()
        raise InputError(
            f"Port {port} on {LOOPBACK} cannot be used ({error}): stop what uses it, or choose "
            f"another with --{name}-port."
        ) from error
    return sock

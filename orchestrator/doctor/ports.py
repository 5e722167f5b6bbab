"""The usual ports of Triton: are they free, or who listens there?"""

import http.client
import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

from client.keys import Key, local_key
from orchestrator.doctor.finding import Finding, ok, warning
from orchestrator.doctor.listeners import listener
from orchestrator.server.ports import LOOPBACK

USUAL = {"http": 8000, "grpc": 8001, "metrics": 8002}
TIMEOUT_S = 1.0
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_UNKNOWN = "a program of another user"


def check_ports(ports: dict[str, int] = USUAL) -> list[Finding]:
    """Looks at the ports that `orchestrator serve` takes by default."""
    taken = [port for port in ports.values() if _is_taken(port)]
    names = ", ".join(str(port) for port in sorted(ports.values()))
    if not taken:
        return [ok("ports", f"{names} are free")]
    triton = _describe_triton(ports) if ports["http"] in taken else None
    if triton:
        url = f"{LOOPBACK}:{ports['grpc']}"
        return [ok("ports", f"{triton} at {names}: jobs can use it with --url {url}")]
    found = "; ".join(f"{port} is taken by {listener(port) or _UNKNOWN}" for port in taken)
    mend = (
        "Stop it, or give orchestrator serve other ports: --grpc-port, --http-port, --metrics-port."
    )
    return [warning("ports", found, mend)]


def _is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(TIMEOUT_S)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _describe_triton(ports: dict[str, int]) -> str | None:
    """What a Triton server says of itself; None if it is none."""
    port, key = ports["http"], local_key(ports["grpc"])
    with suppress(OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        server = json.loads(_ask(port, "GET", "/v2")[1])
        ready = _ask(port, "GET", "/v2/health/ready")[0] == http.client.OK
        said = f"{server['name']} {server['version']}, {'ready' if ready else 'not ready'}"
        return said + _served(port, key)
    return None


def _served(port: int, key: Key | None) -> str:
    status, body = _ask(port, "POST", "/v2/repository/index", key.http_headers if key else {})
    if status != http.client.OK:
        return ", another user's"
    loaded = sorted({m["name"] for m in json.loads(body) if m.get("state") == "READY"})
    return f", serves {', '.join(loaded) or '-'}"


def _ask(
    port: int, method: str, path: str, headers: Mapping[str, str] = NO_HEADERS
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, headers=dict(headers))
        reply = connection.getresponse()
        return reply.status, reply.read(2**20)
    finally:
        connection.close()

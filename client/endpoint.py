"""Where a Triton server is, and what a client shows there."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from client.errors import InputError
from client.keys import Key, local_key
from client.tls import Tls

RECONNECT_MS = 500  # the longest pause between two attempts to connect; gRPC's own is 2 minutes
MAX_MESSAGE_BYTES = 2**31 - 1  # tritonclient's default, which goes when options are given

_URL = re.compile(
    r"^(?:(?P<scheme>grpcs?)://)?(?P<host>\[[0-9a-fA-F:]+\]|[A-Za-z0-9_.-]+):(?P<port>\d{1,5})$"
)
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|\[::1\]")


@dataclass(frozen=True)
class Access:
    """What a client shows a server, and wants to be shown.

    Attributes:
        key_file: Holds the key of the server's restricted interfaces; a server that this user has
            started on this host needs none named.
        tls: Certificates; naming one means TLS.
    """

    key_file: Path | None = None
    tls: Tls = Tls()  # noqa: RUF009 - it cannot change


@dataclass(frozen=True)
class Endpoint:
    """A gRPC endpoint.

    Attributes:
        host: Name or address; IPv6 addresses in brackets.
        port: TCP port.
        tls: Certificates, where it is reached over TLS.
        key: The key that the user has named.
    """

    host: str
    port: int
    tls: Tls | None = None
    key: Key | None = None

    @classmethod
    def parse(cls, url: str, access: Access | None = None) -> Self:
        """Reads `host:port`, `grpc://host:port` or, for TLS, `grpcs://host:port`.

        Raises:
            InputError: If the text is no such endpoint, or a file of `access` cannot be used.
        """
        match = _URL.match(url.strip())
        if match is None or not 0 < int(match["port"]) < 65536:
            raise InputError(
                f"--url {url!r} is not a gRPC endpoint: write it as host:port, such as "
                "localhost:8001, or grpcs://host:port for TLS."
            )
        access = access or Access()
        tls = access.tls.checked()
        if match["scheme"] == "grpc" and tls is not None:
            raise InputError(f"--url {url!r} is without TLS: write it as grpcs://host:port.")
        if match["scheme"] == "grpcs":
            tls = tls or Tls()
        key = Key.read(access.key_file) if access.key_file else None
        return cls(match["host"], int(match["port"]), tls, key)

    @property
    def address(self) -> str:
        """The endpoint as `host:port`."""
        return f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this host, for certain."""
        return _LOOPBACK.fullmatch(self.host) is not None

    @property
    def headers(self) -> dict[str, str]:
        """What every call carries."""
        return self.key.grpc_headers if self.key else {}

    def restricted_headers(self) -> dict[str, str]:
        """Returns what a call to a restricted interface carries.

        The key of a server on this host is read anew: the server may have been started anew.
        """
        local = local_key(self.port) if self.key is None and self.is_loopback else None
        return local.grpc_headers if local else self.headers

    def client_options(self) -> dict[str, Any]:
        """Returns the arguments of tritonclient's client."""
        options = {"url": self.address, "channel_args": self._channel_options()}
        if self.tls is None:
            return options
        return options | {
            "ssl": True,
            "root_certificates": self.tls.ca,
            "private_key": self.tls.key,
            "certificate_chain": self.tls.certificate,
        }

    def _channel_options(self) -> list[tuple[str, int]]:
        ways, ends = ("send", "receive"), ("initial", "max")
        options = [(f"grpc.max_{way}_message_length", MAX_MESSAGE_BYTES) for way in ways]
        options += [(f"grpc.{end}_reconnect_backoff_ms", RECONNECT_MS) for end in ends]
        # A channel that cannot connect would else keep others to the same server from trying.
        options += [("grpc.use_local_subchannel_pool", 1)]
        # A proxy that the environment names cannot reach this machine's own loopback interface.
        return [*options, ("grpc.enable_http_proxy", 0)] if self.is_loopback else options

"""Certificates for a server that is reached over TLS."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from client.errors import InputError

PEM = "-----BEGIN "


@dataclass(frozen=True)
class Tls:
    """What both sides of a TLS connection prove themselves with, as PEM files.

    Attributes:
        ca: Certificates of those who sign servers; by default those that gRPC comes with.
        certificate: The client's own certificate, for servers that ask for one.
        key: The private key of that certificate.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def checked(self) -> Self | None:
        """Makes sure that the files can be used: gRPC tells nothing of one that cannot.

        Returns:
            Itself; None if no file is named.

        Raises:
            InputError: If one cannot be read, is no PEM file, or is alone.
        """
        if (self.certificate is None) != (self.key is None):
            raise InputError(
                "A certificate needs its private key: give both --tls-certificate and --tls-key."
            )
        files = {"--tls-ca": self.ca, "--tls-certificate": self.certificate, "--tls-key": self.key}
        for option, path in files.items():
            if path is not None:
                check_pem(option, path)
        return self if any(files.values()) else None


def check_pem(option: str, path: Path) -> None:
    """Makes sure that a file holds PEM.

    Raises:
        InputError: If it cannot be read or does not.
    """
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise InputError(
            f"{option} {path} cannot be read ({error.strerror}): name a PEM file."
        ) from error
    if PEM not in text:
        raise InputError(f"{option} {path} is no PEM file: it needs a line {PEM}...")

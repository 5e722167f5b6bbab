"""Endpoints are checked before anything is sent, and so is what is shown there."""

from pathlib import Path

import pytest

from client import keys
from client.endpoint import Access, Endpoint
from client.errors import InputError
from client.keys import Key, publish
from client.tls import PEM, Tls


@pytest.mark.parametrize(
    ("text", "address", "secure"),
    [
        ("localhost:8001", "localhost:8001", False),
        ("grpc://10.0.0.7:8001", "10.0.0.7:8001", False),
        ("grpcs://gpu.example:8443", "gpu.example:8443", True),
        ("[::1]:8001", "[::1]:8001", False),
    ],
)
def test_a_grpc_endpoint_is_host_and_port(text: str, address: str, secure: bool) -> None:
    endpoint = Endpoint.parse(text)
    assert endpoint.address == address
    assert (endpoint.tls is not None) == secure


@pytest.mark.parametrize("text", ["", "localhost", "http://localhost:8000", "host:99999", "a b:1"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="such as localhost:8001"):
        Endpoint.parse(text)


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    path = tmp_path / "file.pem"
    path.write_text(f"{PEM}CERTIFICATE-----", encoding="ascii")
    return path


def test_naming_a_certificate_means_tls(pem: Path) -> None:
    assert Endpoint.parse("gpu:8443", Access(tls=Tls(ca=pem))).tls == Tls(ca=pem)


def test_a_certificate_for_an_endpoint_without_tls_is_a_mistake(pem: Path) -> None:
    with pytest.raises(InputError, match="is without TLS: write it as grpcs://"):
        Endpoint.parse("grpc://gpu:8443", Access(tls=Tls(ca=pem)))


def test_a_certificate_needs_its_key(pem: Path) -> None:
    with pytest.raises(InputError, match="give both --tls-certificate and --tls-key"):
        Endpoint.parse("gpu:8443", Access(tls=Tls(certificate=pem)))


def test_a_file_that_is_no_certificate_is_named_with_its_option(tmp_path: Path) -> None:
    other = tmp_path / "other"
    with pytest.raises(InputError, match=r"--tls-ca .*other cannot be read \(No such file"):
        Endpoint.parse("gpu:8443", Access(tls=Tls(ca=other)))
    other.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"--tls-ca .*other is no PEM file"):
        Endpoint.parse("gpu:8443", Access(tls=Tls(ca=other)))


@pytest.fixture
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Key:
    monkeypatch.setattr(keys, "FOLDER", tmp_path)
    key = Key.new()
    publish(key, 8001)
    return key


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_the_key_of_ones_own_server_goes_to_restricted_interfaces_only(
    own_key: Key, host: str
) -> None:
    endpoint = Endpoint.parse(f"{host}:8001")
    assert endpoint.restricted_headers() == own_key.grpc_headers
    assert endpoint.headers == {}


@pytest.mark.parametrize("url", ["10.0.0.7:8001", "localhost.example:8001", "localhost:8002"])
@pytest.mark.usefixtures("own_key")
def test_it_goes_nowhere_else(url: str) -> None:
    assert Endpoint.parse(url).restricted_headers() == {}


def test_a_server_that_was_started_anew_has_a_new_key(own_key: Key) -> None:
    endpoint, new = Endpoint.parse("localhost:8001"), Key.new()
    publish(new, 8001)
    assert endpoint.restricted_headers() == new.grpc_headers != own_key.grpc_headers


def test_a_named_key_goes_with_every_call(own_key: Key, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("admin-key=s3cret", encoding="ascii")
    endpoint = Endpoint.parse("localhost:8001", Access(key_file=path))
    named = {"triton-grpc-protocol-admin-key": "s3cret"}
    assert endpoint.headers == endpoint.restricted_headers() == named

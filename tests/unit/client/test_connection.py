"""Endpoints are checked before anything is sent; a dead one gives one sentence."""

import pytest

from client.connection import Connection, parse_url
from client.errors import InputError, ServerError


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("localhost:8001", "localhost:8001"),
        ("grpc://10.0.0.7:8001", "10.0.0.7:8001"),
        ("[::1]:8001", "[::1]:8001"),
    ],
)
def test_a_grpc_endpoint_is_host_and_port(text: str, endpoint: str) -> None:
    assert parse_url(text) == endpoint


@pytest.mark.parametrize("text", ["", "localhost", "http://localhost:8000", "host:99999", "a b:1"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="such as localhost:8001"):
        parse_url(text)


async def test_an_endpoint_where_nobody_listens_gives_one_sentence() -> None:
    with pytest.raises(ServerError, match=r"No Triton server answers at 127\.0\.0\.1:1: start one"):
        async with Connection("127.0.0.1:1"):
            pass

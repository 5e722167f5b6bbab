"""Ports are free, on loopback, and three."""

import socket

import pytest

from client.errors import InputError
from orchestrator.server.ports import LOOPBACK, choose_ports


def test_three_different_ports_are_chosen() -> None:
    ports = choose_ports()
    assert len({ports.grpc, ports.http, ports.metrics}) == 3


def test_a_given_port_is_kept() -> None:
    free = choose_ports().grpc
    assert choose_ports(http=free).http == free


def test_a_port_in_use_is_named_with_the_option_that_moves_it() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"Port {port} on 127\.0\.0\.1 .* --metrics-port"):
            choose_ports(metrics=port)


@pytest.mark.parametrize("number", [-1, 0, 65536])
def test_a_number_that_is_no_port_is_refused(number: int) -> None:
    with pytest.raises(InputError, match=f"^Port {number} is not between 1 and 65535: .*grpc-port"):
        choose_ports(grpc=number)


def test_ports_that_are_given_twice_are_refused() -> None:
    with pytest.raises(InputError, match=r"ports 9001, 9001 are not different: .*--http-port"):
        choose_ports(grpc=9001, http=9001)

"""Shared memory has no name but while a server opens it, and outlives a restart of the server."""

import os
import subprocess
import sys

import numpy as np
import pytest

from client.errors import InferenceError
from client.owners import PREFIX, is_orphan, own_name
from client.region import SHM_FOLDER, Region
from client.sharing import SharedMemory
from client.tensors import Array, TensorSpec

ROW = TensorSpec("x", "FP32", (2,))
GONE_PID = 2**22  # above the kernel's largest


def own_files() -> list[str]:
    return [path.name for path in SHM_FOLDER.glob(f"{PREFIX}*-{os.getpid()}-*")]


def name_of_one_that_ended() -> str:
    code = "from client.owners import own_name; print(own_name())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ended.stdout.strip()


class Server:
    """Opens shared memory as a server does."""

    def __init__(self) -> None:
        self.memory: dict[str, Array] = {}
        self.refuses = False
        self.busy = 0

    async def register_memory(self, name: str, size: int) -> None:
        if self.refuses or name in self.memory:
            raise InferenceError("No.")
        self.memory[name] = np.memmap(SHM_FOLDER / name, np.float32, "r+", shape=(size // 4,))

    async def unregister_memory(self, name: str) -> None:
        if self.busy:
            self.busy -= 1
            raise InferenceError("It is in use.")
        if self.memory.pop(name, None) is None:
            raise InferenceError("It is not known.")

    async def registered_memory(self) -> list[str]:
        return list(self.memory)


async def test_both_sides_see_the_same_memory_which_has_no_name_any_more() -> None:
    server, region = Server(), Region(16)
    await region.attach(server)
    region.view(ROW, 2, 0)[:] = [[1, 2], [3, 4]]
    assert server.memory[region.name].tolist() == [1, 2, 3, 4]
    server.memory[region.name][3] = 9
    assert region.view(ROW, 1, 8).tolist() == [[3, 9]]
    assert own_files() == []


async def test_a_server_that_was_started_again_gets_the_content_under_a_new_name() -> None:
    region = Region(8)
    await region.attach(Server())
    region.view(ROW, 1, 0)[:] = [[5, 6]]
    region.lost(region.name)
    server = Server()
    await region.attach(server)
    assert server.memory[region.name].tolist() == [5, 6]
    region.view(ROW, 1, 0)[:] = [[7, 8]]
    assert server.memory[region.name].tolist() == [7, 8]
    assert own_files() == []


async def test_a_loss_that_another_request_has_mended_is_none() -> None:
    region = Region(8)
    await region.attach(Server())
    before = region.name
    region.lost(before)
    server = Server()
    await region.attach(server)
    region.lost(before)
    await region.attach(server)
    assert list(server.memory) == [region.name]
    assert region.name != before


async def test_a_server_that_is_still_at_work_on_it_is_asked_again() -> None:
    server, region = Server(), Region(8)
    await region.attach(server)
    server.busy = 2
    await region.detach(server)
    assert server.memory == {}


async def test_a_server_that_refuses_leaves_no_name_and_no_sharing() -> None:
    server = Server()
    server.refuses = True
    assert await SharedMemory.open(server) is None
    assert own_files() == []


async def test_closing_gives_all_regions_back() -> None:
    server = Server()
    memory = await SharedMemory.open(server)
    assert memory is not None
    await memory.region(64).attach(server)
    assert len(server.memory) == 2  # the probe's, too
    await memory.close()
    assert server.memory == {}


def test_more_than_there_is_is_told_at_once() -> None:
    with pytest.raises(OSError, match="No space left"):
        Region(2**50)


def test_memory_of_a_process_that_runs_is_no_orphan() -> None:
    assert not is_orphan(own_name())
    assert not is_orphan("somebody-elses")


def test_memory_of_a_process_that_is_gone_is_an_orphan() -> None:
    assert is_orphan(name_of_one_that_ended())


def test_memory_of_another_container_is_left_alone() -> None:
    _, _, namespace, _, started, token = own_name().split("-")
    assert not is_orphan(f"{PREFIX}{int(namespace) + 1}-{GONE_PID}-{started}-{token}")
    assert is_orphan(f"{PREFIX}{namespace}-{GONE_PID}-{started}-{token}")


async def test_what_killed_jobs_left_is_removed_here_and_at_the_server() -> None:
    server, orphan = Server(), name_of_one_that_ended()
    (SHM_FOLDER / orphan).write_bytes(bytes(8))
    await server.register_memory(orphan, 8)
    memory = await SharedMemory.open(server)
    assert memory is not None
    assert not (SHM_FOLDER / orphan).exists()
    assert orphan not in server.memory
    await memory.close()

"""Real servers, shared by the tests of a run."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.runtime import CHECKOUT
from tests.integration.toy_models import write_add, write_echo, write_first, write_pick

BATCHING_DELAY_US = 200_000


def _require_runtime() -> None:
    if not (CHECKOUT / ".triton").is_dir():
        pytest.skip("the embedded server's environment .triton does not exist: run make setup")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """A server over small models: echo, add, first and pick."""
    _require_runtime()
    repository = tmp_path_factory.mktemp("toys")
    write_echo(repository, delay_us=BATCHING_DELAY_US)
    write_add(repository)
    write_pick(repository, delay_us=BATCHING_DELAY_US)
    write_first(repository)
    async with await EmbeddedServer.start(repository) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def triton_url() -> AsyncIterator[str]:
    """The gRPC endpoint of a server over the shipped model repository."""
    _require_runtime()
    async with await EmbeddedServer.start(CHECKOUT / "model_repository") as running:
        yield running.url


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty model repository, for tests that start a server of their own."""
    _require_runtime()
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder

"""How a server ended is told in the words of signals and exit statuses."""

import asyncio
import sys
from pathlib import Path

import pytest

from orchestrator.server.guardian import Charge
from orchestrator.server.keeper import Keeper
from orchestrator.server.leftovers import hold
from orchestrator.server.log import ServerLog


async def keeper(folder: Path, code: str, log: Path) -> Keeper:
    """A keeper whose guardian runs `code`."""
    charge = Charge(
        command=[],
        environment={},
        folder=str(folder),
        log=str(log),
        shm_prefix="lipsync-0-00000000-",
        parent=1,
        grace_s=1.0,
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    return Keeper(process, charge, ServerLog(log), hold(folder), Path("models"))


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("raise SystemExit(1)", "ended with exit status 1"),
        ("raise SystemExit(255)", "ended with exit status 255"),
        ("raise SystemExit(128 + 11)", "was killed by SIGSEGV"),
        (
            "import os; os.kill(os.getpid(), 9)",
            "lost its guardian, which was killed by SIGKILL",
        ),
    ],
)
async def test_the_end_is_told(tmp_path: Path, code: str, ending: str) -> None:
    folder = tmp_path / "private"
    folder.mkdir()
    kept = await keeper(folder, code, tmp_path / "server.log")
    assert await kept.wait(10)
    assert kept.ending == ending
    await kept.stop()
    assert not folder.exists()


async def test_a_server_that_runs_on_has_not_ended(tmp_path: Path) -> None:
    kept = await keeper(tmp_path, "import time; time.sleep(0.5)", tmp_path / "server.log")
    assert not await kept.wait(0.05)
    assert not kept.ended
    await kept.stop()


async def test_the_log_names_the_repository_instead_of_its_private_link(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    kept = await keeper(tmp_path, "", log)
    log.write_text(f"{tmp_path}/repository/echo/1/model.onnx is missing")
    assert kept.log_text() == "models/echo/1/model.onnx is missing"
    await kept.stop()

"""What keeps the embedded server from starting is told before it is started, in one sentence."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.server.runtime import CHECKOUT, find_runtime
from tests.integration.toy_models import write_echo

pytestmark = pytest.mark.server

START = """
import asyncio, sys
from pathlib import Path
from client.errors import LipSyncError
from orchestrator.server.embedded import EmbeddedServer

async def main():
    async with await EmbeddedServer.start(Path(sys.argv[1])):
        print("started in", sys.argv[1])

try:
    asyncio.run(main())
except LipSyncError as error:
    print(error)
"""

# The server's environment is what the test makes of it; everything else is this machine's.
PREPARED = 'set -e; {prepare}; exec "$@"'


@pytest.fixture
def echo(repository: Path) -> Path:
    write_echo(repository)
    return repository


def told(repository: Path, prepare: str = "true", *, isolated: bool = False, **extra: str) -> str:
    """What a start says after some preparation, if need be with mounts of its own."""
    shell = ["bash", "-c", PREPARED.format(prepare=prepare), "bash"]
    own_mounts = ["unshare", "--mount", "--propagation", "private"] if isolated else []
    python = [sys.executable, "-c", START, str(repository)]
    done = subprocess.run(
        [*own_mounts, *shell, *python],
        cwd=CHECKOUT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(CHECKOUT), **extra},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    return done.stdout


@pytest.fixture
def mounts() -> None:
    """Skips where no mounts of one's own are allowed."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"]).returncode:
        pytest.skip("this process may not mount anything")


def test_on_a_machine_like_this_it_starts(echo: Path) -> None:
    assert told(echo).startswith("started")


@pytest.mark.usefixtures("mounts")
class TestMounts:
    """File systems that are not as usual."""

    def test_a_temporary_folder_without_execution_is_avoided(
        self, echo: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "none").mkdir()
        mount = f"mount -t tmpfs -o noexec tmpfs {tmp_path}/none"
        said = told(echo, mount, isolated=True, TMPDIR=f"{tmp_path}/none")
        assert said.startswith("started")

    def test_no_temporary_folder_with_execution_is_told(self, tmp_path: Path) -> None:
        write_echo(Path("/var/tmp") / tmp_path.name)  # noqa: S108
        try:
            said = told(
                Path("/var/tmp") / tmp_path.name,  # noqa: S108
                "mount -t tmpfs -o noexec tmpfs /tmp",
                isolated=True,
            )
        finally:
            shutil.rmtree(Path("/var/tmp") / tmp_path.name)  # noqa: S108
        assert "starts programs in /tmp, which is mounted noexec: set TMPDIR" in said

    def test_little_shared_memory_is_told(self, echo: Path) -> None:
        said = told(echo, "mount -t tmpfs -o size=16m tmpfs /dev/shm", isolated=True)
        assert "has 16 MiB free: enlarge it (in a container: --shm-size=1g)" in said

    def test_missing_shared_memory_is_told(self, echo: Path) -> None:
        hidden = "mount -t tmpfs tmpfs /dev; mknod -m 666 /dev/null c 1 3"
        said = told(echo, hidden, isolated=True)
        assert "which is missing or cannot be written: mount a tmpfs there" in said


def test_too_few_open_files_are_told(echo: Path) -> None:
    assert "may open 64: allow more with ulimit -n 1024" in told(echo, "ulimit -n 64")


def test_a_missing_bash_is_told(echo: Path, tmp_path: Path) -> None:
    assert "needs bash, which is not in PATH" in told(echo, f"export PATH={tmp_path}")


@pytest.mark.parametrize("name", ["a folder", "quote's", "dollar$(touch x)", "ünï 名", "x" * 200])
def test_any_temporary_folder_will_do(echo: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    assert told(echo, TMPDIR=str(folder)).startswith("started")


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PYTHONHOME", "/nowhere"), ("PYTHONPATH", "/nowhere"), ("http_proxy", "http://127.0.0.1:9")],
)
def test_a_variable_meant_for_other_programs_does_no_harm(
    echo: Path, variable: str, value: str
) -> None:
    code = f"import os; os.environ[{variable!r}] = {value!r}\n" + START
    done = subprocess.run(
        [sys.executable, "-c", code, str(echo)], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.stdout.startswith("started"), done.stdout + done.stderr


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A copy of the server's environment, of links, from which a test can take things away."""
    runtime = find_runtime()
    folder = tmp_path / "runtime"
    (folder / "bin").mkdir(parents=True)
    shutil.copy(runtime.root / "pyvenv.cfg", folder)
    for name in ("python", "python3", f"python{runtime.python_version}"):
        (folder / "bin" / name).symlink_to((runtime.root / "bin" / "python").resolve())
    site = folder / runtime.site_packages.relative_to(runtime.root)
    site.mkdir(parents=True)
    for entry in runtime.site_packages.iterdir():
        (site / entry.name).symlink_to(entry)
    return folder


def site(folder: Path) -> Path:
    found = find_runtime()
    return folder / found.site_packages.relative_to(found.root)


def test_a_whole_environment_serves(echo: Path, made: Path) -> None:
    assert told(echo, LIPSYNC_TRITON=str(made)).startswith("started")


def test_numpy_2_is_told(echo: Path, made: Path) -> None:
    (numpy,) = site(made).glob("numpy-*.dist-info")
    numpy.rename(numpy.with_name("numpy-2.1.0.dist-info"))
    said = told(echo, LIPSYNC_TRITON=str(made))
    assert "has numpy 2.1.0, and Triton's processes need numpy 1" in said


def test_a_missing_onnxruntime_is_told(echo: Path, made: Path) -> None:
    for folder in site(made).glob("onnxruntime*.dist-info"):
        folder.unlink()
    assert "lacks onnxruntime: remove" in told(echo, LIPSYNC_TRITON=str(made))


def test_a_missing_server_is_told(echo: Path, made: Path) -> None:
    (site(made) / "pytriton").unlink()
    said = told(echo, LIPSYNC_TRITON=str(made))
    assert "lacks tritonserver: remove it and run make setup" in said


def test_a_python_without_a_stub_is_told(echo: Path, made: Path) -> None:
    original = (site(made) / "pytriton").resolve()
    (site(made) / "pytriton").unlink()
    triton = site(made) / "pytriton" / "tritonserver"
    (triton / "python_backend_stubs").mkdir(parents=True)
    for name in ("bin", "backends", "lib"):
        (triton / name).symlink_to(original / "tritonserver" / name)
    said = told(echo, LIPSYNC_TRITON=str(made))
    assert "for which Triton brings no stub: remove it and run make setup PYTHON=" in said


def test_a_server_that_may_not_be_executed_is_told(echo: Path, made: Path) -> None:
    original = (site(made) / "pytriton").resolve()
    (site(made) / "pytriton").unlink()
    shutil.copytree(original, site(made) / "pytriton")
    (site(made) / "pytriton" / "tritonserver" / "bin" / "tritonserver").chmod(0o600)
    said = told(echo, LIPSYNC_TRITON=str(made))
    assert "tritonserver may not be executed" in said


def test_a_python_that_is_gone_is_told(echo: Path, made: Path) -> None:
    python = made / "bin" / "python"
    python.unlink()
    python.symlink_to("/opt/removed/bin/python3")
    said = told(echo, LIPSYNC_TRITON=str(made))
    assert "was made with is gone (/opt/removed/bin/python3): remove" in said

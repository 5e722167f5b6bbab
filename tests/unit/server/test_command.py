"""The server's command line and environment, as lists and dictionaries."""

import errno
from pathlib import Path

import pytest

from client.errors import ServerError
from orchestrator.server.assembly import Assembly, assemble, make_folder
from orchestrator.server.command import Device, Launch, server_command, server_environment
from orchestrator.server.memory import check_shared_memory
from orchestrator.server.ports import Ports
from orchestrator.server.runtime import Runtime

FOLDER = Assembly(Path("/private"))
BASE = {"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/opt/lib", "PYTHONPATH": "/site", "HOME": "/home"}


def launch(device: Device = "cpu", root: Path = Path("/env")) -> Launch:
    site = root / "lib" / "site-packages"
    return Launch(
        runtime=Runtime(root, "3.11", site, Path("/python/lib/libpython3.11.so.1.0")),
        repository=Path("/my models"),
        models=["wenet", "landmark2face"],
        ports=Ports(grpc=1, http=2, metrics=3),
        device=device,
    )


def test_every_service_listens_on_loopback_only() -> None:
    command = server_command(FOLDER, launch(), "x-")
    for service, port in (("grpc", 1), ("http", 2), ("metrics", 3)):
        assert f"--{service}-address=127.0.0.1" in command
        assert f"--{service}-port={port}" in command


def test_each_model_is_loaded_by_name() -> None:
    command = server_command(FOLDER, launch(), "x-")
    assert [part for part in command if part.startswith("--load-model")] == [
        "--load-model=wenet",
        "--load-model=landmark2face",
    ]


def test_the_server_gets_paths_of_its_private_folder_only() -> None:
    command = server_command(FOLDER, launch(), "x-")
    paths = [part.split("=")[-1] for part in command if "/" in part]
    assert paths
    assert all(path.startswith("/private/") for path in paths)


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_gpus_are_hidden_unless_cuda_is_insisted_on(device: Device) -> None:
    assert server_environment(FOLDER, launch(device), BASE)["CUDA_VISIBLE_DEVICES"] == ""
    assert "CUDA_VISIBLE_DEVICES" not in server_environment(FOLDER, launch("cuda"), BASE)


def test_own_libraries_stand_before_those_of_the_system() -> None:
    environment = server_environment(FOLDER, launch(), BASE)
    assert environment["PATH"] == "/private/runtime/bin:/usr/bin"
    assert environment["LD_LIBRARY_PATH"] == (
        "/private/runtime/lib/site-packages/nvidia_pytriton.libs:/private/libpython:/opt/lib"
    )


def test_onnx_runtime_does_not_report_its_use() -> None:
    assert server_environment(FOLDER, launch(), BASE)["ORT_DISABLE_TELEMETRY"] == "1"


def test_python_settings_of_the_application_do_not_reach_the_stubs() -> None:
    assert "PYTHONPATH" not in server_environment(FOLDER, launch(), BASE)


def test_the_private_folder_links_the_repository_and_copies_the_stub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    plan = launch(root=tmp_path)
    (plan.runtime.triton / "backends" / "python").mkdir(parents=True)
    plan.runtime.stub.parent.mkdir(parents=True)
    plan.runtime.stub.touch()
    assembly = assemble(plan.runtime, plan.repository)
    assert assembly.repository.readlink() == plan.repository
    assert not (assembly.backends / "python" / "triton_python_backend_stub").is_symlink()
    assert (assembly.backends / "onnxruntime" / "model.py").is_file()


def test_the_private_folder_avoids_a_temporary_folder_that_a_shell_would_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    awkward = tmp_path / "my $temp"
    awkward.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(awkward))
    folder = make_folder()
    folder.rmdir()
    assert folder.parent == Path("/tmp")  # noqa: S108


def test_a_full_temporary_folder_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("shutil.copyfile", refuse)
    sentence = r"lipsync-\w+ \(\[Errno 28\] No space left on device\): make room"
    with pytest.raises(ServerError, match=sentence):
        assemble(launch(root=tmp_path).runtime, Path("/my models"))
    assert not list(tmp_path.glob("lipsync-*"))


def refuse(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_too_little_shared_memory_is_told_before_the_start() -> None:
    with pytest.raises(ServerError, match=r"shm has \d+ MiB free: enlarge it"):
        check_shared_memory(models=10**9)

"""What the doctor finds in environments and repositories that are whole, damaged or missing."""

import json
import os
import shutil
import socket
import sys
from pathlib import Path

import pytest

from client.errors import ServerError
from orchestrator.doctor import examine, gpu, machine, versions
from orchestrator.doctor.finding import (
    Finding,
    as_data,
    as_table,
    is_wrong,
    ok,
    warning,
    wrong,
)
from orchestrator.doctor.ports import check_ports
from orchestrator.doctor.repository import check_repository
from orchestrator.server.runtime import CHECKOUT, RUNTIME_VARIABLE

SHIPPED = CHECKOUT / "model_repository"


def states(findings: list[Finding]) -> dict[str, str]:
    return {finding.subject: finding.state for finding in findings}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one whole model."""
    shutil.copytree(SHIPPED / "face_detection", tmp_path / "face_detection")
    return tmp_path


def test_the_shipped_repository_is_whole() -> None:
    assert set(states(check_repository(SHIPPED)).values()) == {"ok"}


def test_a_model_file_with_other_bytes_is_wrong(repository: Path) -> None:
    with (repository / "face_detection" / "1" / "model.onnx").open("ab") as file:
        file.write(b"!")
    (finding,) = [f for f in check_repository(repository) if f.state == "wrong"]
    assert finding.subject == "model face_detection"
    assert "version 1: model.onnx is not the file of the manifest" in finding.found


def test_a_missing_model_file_is_named(repository: Path) -> None:
    (repository / "face_detection" / "1" / "golden.npz").unlink()
    assert "golden.npz is missing" in check_repository(repository)[1].found


@pytest.mark.parametrize("content", ["", "{", "[]", '{"files": 3}'])
def test_a_manifest_that_cannot_be_read_is_wrong(repository: Path, content: str) -> None:
    (repository / "face_detection" / "1" / "manifest.json").write_text(content)
    finding = check_repository(repository)[1]
    assert finding.state == "wrong"
    assert "manifest.json cannot be read" in finding.found


def test_a_model_without_a_version_is_wrong(repository: Path) -> None:
    shutil.rmtree(repository / "face_detection" / "1")
    assert check_repository(repository)[1].found == "has no version"


def test_a_missing_repository_is_one_finding(tmp_path: Path) -> None:
    (finding,) = check_repository(tmp_path / "none")
    assert finding.state == "wrong"
    assert "correct the path" in finding.mend


def test_a_missing_server_environment_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUNTIME_VARIABLE, str(tmp_path / "none"))
    (finding,) = versions.check_server()
    assert finding.state == "wrong"
    assert "make setup" in finding.mend


def test_a_library_that_does_not_load_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    found = {finding.subject: finding for finding in versions.check_application()}
    assert found["opencv-python-headless"].state == "wrong"
    assert found["av"].state == "ok"


def test_an_older_python_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    assert versions.check_python()[0].state == "wrong"


def test_packages_of_the_server_are_looked_for_where_they_are(tmp_path: Path) -> None:
    info = tmp_path / "numpy-2.4.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 2.4.0\n")
    found = {finding.subject: finding for finding in versions.server_packages(tmp_path)}
    assert found["server's nvidia-pytriton"].found == "is not installed"
    assert "2.4.0" in found["server's numpy"].found
    assert found["server's numpy"].state == "wrong"


def test_free_ports_are_well() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert check_ports({"http": port})[0].state == "ok"


def test_a_port_that_another_program_has_is_a_warning() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (finding,) = check_ports({"http": 1, "grpc": port})
    assert finding.state == "warning"
    name = Path("/proc/self/comm").read_text().strip()
    assert finding.found == f"{port} is taken by {name} (process {os.getpid()})"


def test_one_core_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIPSYNC_CORES", "1")
    assert machine.check_cores()[0].state == "warning"
    monkeypatch.setenv("LIPSYNC_CORES", "2")
    assert machine.check_cores()[0].state == "ok"


def test_the_tighter_of_limit_and_machine_is_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       8388608 kB\nMemFree: 1 kB\n")
    monkeypatch.setattr(machine, "memory_limit", lambda: 2**31)
    (finding,) = machine.check_memory(meminfo)
    assert (finding.state, finding.found) == ("warning", "2.0 GiB given, 8.0 GiB in the machine")


def test_too_little_shared_memory_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MODELS", 10**9)
    assert machine.check_shared_memory()[0].state == "wrong"


def test_regions_of_a_server_that_is_gone_are_named(tmp_path: Path) -> None:
    (tmp_path / "lipsync-4194303-0badcafe-1").touch()
    leftovers = machine.check_shared_memory(tmp_path)[1]
    assert leftovers.state == "warning"
    assert f"rm {tmp_path}/lipsync-4194303-0badcafe-*" in leftovers.mend


def test_a_temporary_folder_in_memory_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        f"27 1 254:0 / / rw - ext4 /dev/vda rw\n28 27 0:9 / {tmp_path.parent} rw - tmpfs tmpfs rw\n"
    )
    (finding,) = machine.check_temporary_folder(mounts)
    assert finding.state == "warning"
    assert "TMPDIR" in finding.mend


def test_a_machine_without_a_gpu_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert states(gpu.check_gpu()) == {"GPU": "ok"}


def test_a_gpu_is_named_and_a_cpu_runtime_beside_it_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'A GPU, 550.1, 8192 MiB, 0 MiB'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv(RUNTIME_VARIABLE, str(tmp_path / "none"))
    found, cuda = gpu.check_gpu()
    assert found.found == "A GPU, 550.1, 8192 MiB, 0 MiB"
    assert cuda.state == "warning"


def test_a_library_that_the_cuda_provider_lacks_is_named(tmp_path: Path) -> None:
    assert "libnone.so" in gpu.load_failure(Path(sys.executable), [], [tmp_path / "libnone.so"])


def test_a_check_that_fails_is_a_finding_and_not_the_end() -> None:
    def check_luck() -> list[Finding]:
        raise ServerError("there is none: try again.")

    assert examine.run_check(check_luck) == [
        wrong("luck", "cannot be looked at", "there is none: try again.")
    ]


def test_only_what_is_wrong_counts_as_wrong() -> None:
    assert not is_wrong([ok("a", "b"), warning("c", "d", "e")])
    assert is_wrong([ok("a", "b"), wrong("c", "d", "e")])


def test_the_table_shows_what_to_do_below_its_line() -> None:
    lines = as_table([ok("cores", "2"), wrong("models", "none", "Get some.")]).splitlines()
    assert lines[0].split() == ["ok", "cores", "2"]
    assert lines[1].split() == ["wrong", "models", "none"]
    assert lines[2].strip() == "-> Get some."


def test_findings_are_json() -> None:
    data = json.loads(json.dumps(as_data([wrong("models", "none", "Get some.")])))
    assert data["wrong"] is True
    assert data["findings"][0]["mend"] == "Get some."

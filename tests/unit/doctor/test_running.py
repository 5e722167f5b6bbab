"""The doctor tells what each process of the project got."""

from pathlib import Path

import pytest

from orchestrator.doctor.running import check_running

STUB = "/tmp/lipsync-a/backends/python/triton_python_backend_stub"  # noqa: S108
MODEL = "/tmp/lipsync-a/repository/wenet/1/model.onnx"  # noqa: S108


def process(proc: Path, number: int, command: str, environment: str) -> None:
    folder = proc / str(number)
    folder.mkdir(parents=True)
    (folder / "cmdline").write_text(command.replace(" ", "\0") + "\0")
    (folder / "environ").write_text(environment.replace(" ", "\0") + "\0")
    (folder / "status").write_text("Name:\tx\nVmRSS:\t  204800 kB\nThreads:\t5\n")


def test_models_servers_and_jobs_are_told_with_what_they_got(tmp_path: Path) -> None:
    process(tmp_path, 31, f"{STUB} {MODEL} lipsync-7-ab-", "LIPSYNC_CORES=1 OMP_NUM_THREADS=1")
    server = "--backend-config=python,shm-region-prefix-name=lipsync-7-ab-"
    process(tmp_path, 30, f"/x/tritonserver {server}", "LIPSYNC_CORES=1 OMP_NUM_THREADS=1")
    process(tmp_path, 4, "/x/python /x/bin/orchestrator generate --video a.mp4", "")
    found = check_running(tmp_path)
    subjects = ["orchestrator generate 4", "tritonserver 30", "model wenet 31"]
    assert [finding.subject for finding in found] == subjects
    assert found[2].found == "LIPSYNC_CORES=1, BLAS 1; has 5 threads, 200 MiB"


@pytest.mark.parametrize("command", ["/x/tritonserver --model-repository=/m", "sh"])
def test_what_is_not_the_project_s_is_left_out(tmp_path: Path, command: str) -> None:
    process(tmp_path, 9, command, "")
    assert check_running(tmp_path) == []


def test_a_process_that_counts_on_more_cores_than_are_given_is_a_warning(tmp_path: Path) -> None:
    process(tmp_path, 31, f"{STUB} {MODEL} lipsync-7-ab-", "LIPSYNC_CORES=4096")
    (finding,) = check_running(tmp_path)
    assert finding.state == "warning"
    assert "start it again without LIPSYNC_CORES" in finding.mend


def test_a_process_that_ends_meanwhile_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "5").mkdir()
    assert check_running(tmp_path) == []

"""Cores that control groups and the affinity mask leave, and what every library gets of them."""

from pathlib import Path

import pytest

from backends.shared import cores
from orchestrator.cgroups import cpu_quota, memory_limit
from orchestrator.threads import CORES_VARIABLE, ThreadPlan, given_cores


def process(folder: Path, cgroup: str, mountinfo: str) -> Path:
    """A folder like /proc/self."""
    folder.mkdir()
    (folder / "cgroup").write_text(cgroup)
    (folder / "mountinfo").write_text(mountinfo)
    return folder


def version_2(tmp_path: Path, files: dict[str, str]) -> Path:
    """A process in the group /jobs/mine of a version 2 hierarchy with some files."""
    top = tmp_path / "cgroup"
    (top / "jobs" / "mine").mkdir(parents=True)
    for name, content in files.items():
        (top / name).write_text(content)
    mount = f"31 23 0:28 / {top} rw,relatime - cgroup2 cgroup2 rw\n"
    return process(tmp_path / "self", "0::/jobs/mine\n", mount)


def version_1(tmp_path: Path, root: str, files: dict[str, str]) -> Path:
    """A process in /docker/abc of a version 1 hierarchy whose folder shows `root` of it."""
    top = tmp_path / "cpu"
    top.mkdir()
    for name, content in files.items():
        (top / name).write_text(content)
    mount = f"32 31 0:29 {root} {top} rw,relatime - cgroup cgroup rw,cpu,cpuacct,memory\n"
    return process(tmp_path / "self", "4:cpu,cpuacct,memory:/docker/abc\n", mount)


def test_the_tightest_quota_on_the_way_up_counts(tmp_path: Path) -> None:
    files = {"jobs/mine/cpu.max": "max 100000\n", "jobs/cpu.max": "150000 100000\n"}
    assert cpu_quota(version_2(tmp_path, files)) == 1.5


def test_a_group_without_a_bound_gives_none(tmp_path: Path) -> None:
    self = version_2(tmp_path, {"jobs/mine/cpu.max": "max 100000", "jobs/mine/memory.max": "max"})
    assert (cpu_quota(self), memory_limit(self)) == (None, None)


def test_the_memory_of_version_2_is_read(tmp_path: Path) -> None:
    assert memory_limit(version_2(tmp_path, {"jobs/mine/memory.max": "1073741824\n"})) == 2**30


@pytest.mark.parametrize("root", ["/docker/abc", "/"])
def test_version_1_is_read_as_a_container_shows_it(tmp_path: Path, root: str) -> None:
    quota = {"cpu.cfs_quota_us": "200000", "cpu.cfs_period_us": "100000"}
    self = version_1(tmp_path, root, quota | {"memory.limit_in_bytes": str(2**31)})
    assert (cpu_quota(self), memory_limit(self)) == (2.0, 2**31)


def test_version_1_writes_huge_numbers_for_no_bound(tmp_path: Path) -> None:
    files = {"cpu.cfs_quota_us": "-1", "memory.limit_in_bytes": "9223372036854771712"}
    self = version_1(tmp_path, "/docker/abc", files)
    assert (cpu_quota(self), memory_limit(self)) == (None, None)


def test_a_machine_without_control_groups_bounds_nothing(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path / "none") is None


@pytest.fixture
def eight_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))


@pytest.mark.usefixtures("eight_allowed")
@pytest.mark.parametrize(("quota", "given"), [(2.0, 2), (1.5, 2), (0.1, 1), (64.0, 8)])
def test_cores_are_the_lesser_of_mask_and_quota(quota: float, given: int) -> None:
    assert given_cores({}, quota=quota) == given


@pytest.mark.usefixtures("eight_allowed")
@pytest.mark.parametrize(("wish", "given"), [("3", 3), ("0", 4), ("many", 4)])
def test_whoever_starts_the_program_can_say_how_many(wish: str, given: int) -> None:
    assert given_cores({CORES_VARIABLE: wish}, quota=4.0) == given


def test_a_started_process_gets_its_cores_and_one_thread_for_blas() -> None:
    environment = ThreadPlan(6).environment()
    assert environment[CORES_VARIABLE] == "6"
    assert environment["OMP_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"] == "1"


@pytest.mark.usefixtures("eight_allowed")
@pytest.mark.parametrize(("text", "given"), [("2", 2), ("", 8), ("none", 8)])
def test_the_backend_takes_the_cores_that_the_servers_starter_names(text: str, given: int) -> None:
    assert cores.VARIABLE == CORES_VARIABLE
    assert cores.given_cores({cores.VARIABLE: text}) == given


def test_the_decoder_gets_as_many_as_ffmpeg_takes() -> None:
    assert [ThreadPlan(n).decoder for n in (1, 2, 8, 64)] == [1, 3, 9, 16]

"""The benchmark of long use: what it reads, what it calls growth, and what it lets pass."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from benchmarks.endurance.models import (
    KEPT,
    SHIPPED,
    TURNED,
    product_input,
    product_weights,
    write_repository,
)
from benchmarks.endurance.readings import (
    Readings,
    memory_mib,
    parent_of,
    process_readings,
    shm_readings,
    total,
)
from benchmarks.endurance.trend import Sample, Trend, after_warm_up, limit_of, table, trends
from orchestrator.server.models import choose_models

MEMORY = "server RSS MiB"
THREADS = "server threads"


def samples(values: Sequence[float], name: str = MEMORY, every: int = 5) -> list[Sample]:
    return [Sample(n * every, {name: value}) for n, value in enumerate(values, 1)]


def trend(values: Sequence[float], name: str = MEMORY) -> Trend:
    (found,) = trends(samples(values, name), per=100)
    return found


def test_the_quarters_are_those_after_the_first_tenth() -> None:
    warm_up, first, between, last = [10.0] * 4, [40.0] * 9, [70.0] * 18, [41.0] * 9
    found = trend([*warm_up, *first, *between, *last])
    assert (found.first, found.last) == (40.0, 41.0)


def test_the_warm_up_is_the_first_tenth_of_what_was_done() -> None:
    assert [sample.done for sample in after_warm_up(samples([0.0] * 20))] == [*range(15, 101, 5)]


def test_growth_is_told_for_so_many_units_of_the_run() -> None:
    assert trend([40 + 0.01 * done for done in range(5, 1001, 5)]).slope == pytest.approx(1.0)


def test_one_high_reading_is_no_growth() -> None:
    found = trend([40.0] * 39 + [400.0])
    assert found.ratio == 1.0
    assert found.is_kept


@pytest.mark.parametrize(("last", "kept"), [(42.0, True), (42.1, False), (30.0, True)])
def test_memory_may_be_a_twentieth_more_in_the_end(last: float, kept: bool) -> None:
    assert trend([40.0] * 30 + [last] * 10).is_kept is kept


@pytest.mark.parametrize(("last", "kept"), [(7.0, True), (7.1, False)])
def test_of_little_memory_a_mebibyte_more_is_no_growth(last: float, kept: bool) -> None:
    assert trend([6.0] * 30 + [last] * 10).is_kept is kept


@pytest.mark.parametrize(("last", "kept"), [(64.0, True), (65.0, False), (60.0, True)])
def test_threads_may_not_be_more_in_the_end(last: float, kept: bool) -> None:
    assert trend([64.0] * 30 + [last] * 10, THREADS).is_kept is kept


def test_what_is_none_at_first_must_be_none_in_the_end() -> None:
    found = trend([0.0] * 30 + [1.0] * 10, "models dead")
    assert not found.is_kept
    assert found.ratio == float("inf")
    assert trend([0.0] * 40, "models dead").ratio == 1.0


def test_shared_memory_may_not_grow_at_all() -> None:
    assert limit_of("shm MiB") == limit_of("shm regions") == 1.0
    assert limit_of("server RSS MiB") == limit_of("client dirty MiB") == 1.05


@pytest.mark.parametrize("name", ["server PSS MiB", "client threads", "client mappings"])
def test_what_depends_on_others_has_no_limit(name: str) -> None:
    found = trend([64.0] * 30 + [100.0] * 10, name)
    assert found.is_kept
    assert list(table([found], ""))[-1].endswith("|  |  |")


def test_a_run_that_is_too_short_has_no_trend() -> None:
    assert trends([], per=100) == []
    assert trends(samples([40.0] * 7), per=100) == []


def test_the_table_names_what_broke_its_limit() -> None:
    readings: list[Readings] = [{MEMORY: 40.0, THREADS: 64.0 + n} for n in range(40)]
    run = [Sample(n + 1, each) for n, each in enumerate(readings)]
    memory, threads = list(table(trends(run, 10), "10 cycles"))[2:]
    assert memory.startswith("| server RSS MiB | 40.00 | 40.00 | 1.0000 | +0.0000 | 1.05 | kept")
    assert threads.endswith("| 1 | BROKEN |")


def test_a_process_is_read_as_it_is() -> None:
    read, write = os.pipe()
    before = process_readings(os.getpid())
    copy = os.dup(read)
    after = process_readings(os.getpid())
    for descriptor in (read, write, copy):
        os.close(descriptor)
    assert after["files"] == before["files"] + 1
    assert 0 < after["dirty MiB"] <= after["PSS MiB"] <= after["RSS MiB"]
    assert after["threads"] == len(list(Path("/proc/self/task").iterdir()))
    assert after["mappings"] > 0


def test_a_process_that_has_ended_holds_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert parent_of(child.pid) == os.getpid()
    child.wait()
    assert process_readings(child.pid) == {}


def test_sizes_are_told_in_mebibytes() -> None:
    assert memory_mib("Rss:            2048 kB\nPrivate_Dirty:   512 kB\n") == {
        "Rss": 2.0,
        "Private_Dirty": 0.5,
    }


def test_processes_are_added_up() -> None:
    assert total([{"files": 2.0}, {}, {"files": 3.0, "threads": 1.0}]) == {
        "files": 5.0,
        "threads": 1.0,
    }


def test_only_regions_of_the_server_count(tmp_path: Path) -> None:
    for name in ("mine-1", "mine-2", "other-1"):
        (tmp_path / name).write_bytes(bytes(2**20))
    assert shm_readings("mine-", tmp_path) == {"shm regions": 2, "shm MiB": 2.0}


def test_the_repository_holds_what_stays_and_what_comes_and_goes(tmp_path: Path) -> None:
    folder = write_repository(tmp_path)
    assert choose_models(folder) == sorted((KEPT, TURNED, SHIPPED))
    session = onnxruntime.InferenceSession(folder / KEPT / "1" / "model.onnx")
    (answer,) = session.run(None, {"x": product_input()})
    assert np.array_equal(answer, product_input() @ product_weights())

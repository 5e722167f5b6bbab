"""An instance uses the cores that it was given, as its configuration wants."""

from dataclasses import replace

import pytest

from backends.onnxruntime.threads import Threads
from backends.shared.config import ModelConfig
from tests.unit.server.toy_config import CONFIG


def config(*, batch: int = 8, instances: int = 1, **parameters: str) -> ModelConfig:
    return replace(CONFIG, max_batch_size=batch, instances=instances, parameters=parameters)


def threads(config: ModelConfig, cores: int, kind: str = "CPU") -> tuple[int, int, int]:
    found = Threads.of(config, kind, cores)
    return found.in_operator, found.across, found.pieces


@pytest.mark.parametrize(
    ("cores", "batch", "in_operator", "pieces"),
    [(2, 8, 1, 2), (8, 8, 1, 8), (16, 8, 2, 8), (5, 8, 1, 5), (4, 1, 4, 1), (1, 8, 1, 1)],
)
def test_pieces_of_a_batch_come_first_and_operators_have_the_rest(
    cores: int, batch: int, in_operator: int, pieces: int
) -> None:
    assert threads(config(batch=batch), cores) == (in_operator, cores, pieces)


def test_instances_share_the_cores() -> None:
    assert threads(config(instances=2), cores=8) == (1, 4, 4)
    assert threads(config(instances=9), cores=8) == (1, 1, 1)


def test_a_batch_is_run_whole_where_threads_are_counted() -> None:
    counted = config(intra_op_thread_count="3", inter_op_thread_count="2")
    assert threads(counted, cores=8) == (3, 2, 0)


@pytest.mark.parametrize("count", ["0", "-1"])
def test_no_threads_are_the_default(count: str) -> None:
    counted = config(intra_op_thread_count=count, inter_op_thread_count=count)
    assert threads(counted, cores=6) == threads(config(), cores=6)


def test_a_gpu_and_a_model_without_a_batch_run_it_whole() -> None:
    assert threads(config(), cores=6, kind="GPU") == (6, 6, 0)
    assert threads(config(batch=0), cores=6) == (6, 6, 0)


@pytest.mark.parametrize(
    ("name", "value"), [("intra_op_thread_count", "all"), ("inter_op_thread_count", "")]
)
def test_a_count_that_is_no_number_is_refused(name: str, value: str) -> None:
    wrong = replace(config(), parameters={name: value})
    with pytest.raises(ValueError, match=f"{name} is '{value}'"):
        threads(wrong, cores=2)

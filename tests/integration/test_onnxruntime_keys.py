"""What each key of a configuration does to a served model, seen from outside of the backend."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from orchestrator.server.embedded import EmbeddedServer
from orchestrator.threads import given_cores
from tests.integration.loading import Loaded, loaded
from tests.integration.onnx_toys import ECHO, Array, Graph, parameters, scaled, work

pytestmark = pytest.mark.server

MEGABYTES = 64
WIDE = 2**14  # 64 KiB a row: a batch of them is worth pieces
SHRINKAGE = "memory.enable_memory_arena_shrinkage"
HUGE = 1e20
IO = {"input": "x", "output": "y"}

# Leaves a mark where the environment says; NULL is "no error".
OP_LIBRARY = """
#include <stdio.h>
void *RegisterCustomOps(void *options, const void *api) {{
    FILE *mark = fopen("{mark}", "w");
    if (mark != NULL) fclose(mark);
    return NULL;
}}
"""


def row(value: float = 1.0) -> Array:
    return np.full((1, 4), value, np.float32)


def threads(model: Loaded) -> list[int]:
    """How many threads each process of a model has."""
    return [len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in model.processes()]


def resident_megabytes(model: Loaded) -> float:
    (pid,) = model.processes()
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


async def growth_megabytes(server: EmbeddedServer, sizes: list[int], **values: str) -> list[float]:
    """By how much a model has grown after runs of these many rows, 3 x 1 MB each."""
    graph = work(1)
    async with loaded(server.url, graph, graph.config(MEGABYTES) | parameters(**values)) as model:
        before = resident_megabytes(model)
        grown = []
        for size in sizes:
            await model(x=np.ones((size, 1), np.float32))
            grown.append(resident_megabytes(model) - before)
    return grown


def log_of(server: EmbeddedServer, model: Loaded) -> str:
    lines = server.log_file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if f"{model.name}_" in line)


@pytest.mark.parametrize(
    ("level", "basic", "extended"),
    [(0, True, True), (-1, True, False), (1, True, True), (2, False, False), (99, True, True)],
)
async def test_the_graph_level_decides_which_nodes_are_joined(
    server: EmbeddedServer, level: int, basic: bool, extended: bool
) -> None:
    """Products that overflow between two nodes are finite where the nodes became one."""
    config = {"optimization": {"graph": {"level": level}}}
    graphs = [(scaled("Conv", HUGE, 1 / HUGE), basic), (scaled("MatMul", 1 / HUGE, HUGE), extended)]
    for graph, joined in graphs:
        async with loaded(server.url, graph, graph.config() | config) as model:
            x = np.full([1] * len(graph.inputs["x"]), HUGE, np.float32)
            (y,) = (await model(x=x))["y"].flat
        assert bool(np.isfinite(y)) is joined


async def test_threads_inside_of_an_operator_are_those_that_are_configured(
    server: EmbeddedServer,
) -> None:
    counts = []
    for count in ("1", "2", "5"):
        config = ECHO.config() | parameters(intra_op_thread_count=count)
        async with loaded(server.url, ECHO, config) as model:
            counts += threads(model)
    assert [count - counts[0] for count in counts] == [0, 1, 4]


async def test_threads_across_operators_exist_in_parallel_execution_alone(
    server: EmbeddedServer,
) -> None:
    counts = []
    for mode, count in (("0", "5"), ("1", "1"), ("1", "2"), ("1", "5")):
        values = {"execution_mode": mode, "inter_op_thread_count": count}
        config = ECHO.config() | parameters(intra_op_thread_count="1", **values)
        async with loaded(server.url, ECHO, config) as model:
            counts += threads(model)
            np.testing.assert_array_equal((await model(x=row()))["y"], row())
    assert [count - counts[0] for count in counts] == [0, 0, 1, 4]


async def test_the_cores_take_pieces_of_a_batch_and_instances_share_them(
    server: EmbeddedServer,
) -> None:
    cores, large = (
        given_cores(),
        replace(ECHO, inputs={"x": ["N", WIDE]}, outputs={"y": ["N", WIDE]}),
    )
    counts = []
    for count in (1, cores):
        config = large.config() | {"instance_group": [{"count": count, "kind": "KIND_CPU"}]}
        async with loaded(server.url, large, config) as model:
            x = np.random.default_rng(0).normal(size=(8, WIDE)).astype(np.float32)
            for _ in range(4 * count):  # whichever instance takes it
                np.testing.assert_array_equal((await model(x=x))["y"], x)
            counts.append(threads(model))
    (all_of_them,), shared = counts
    assert all_of_them - max(shared) == (cores if cores > 1 else 0)


async def test_an_arena_keeps_the_memory_of_a_run_and_without_one_it_goes_back(
    server: EmbeddedServer,
) -> None:
    (kept,) = await growth_megabytes(server, [MEGABYTES])
    (given_back,) = await growth_megabytes(server, [MEGABYTES], enable_mem_arena="0")
    assert kept > MEGABYTES
    assert given_back < MEGABYTES / 2


async def test_an_arena_that_shrinks_keeps_no_more_than_its_first_block(
    server: EmbeddedServer,
) -> None:
    sizes = [1, MEGABYTES]
    assert (await growth_megabytes(server, sizes))[-1] > MEGABYTES
    shrunk = await growth_megabytes(server, sizes, **{SHRINKAGE: "cpu:0"})
    assert shrunk[-1] < MEGABYTES / 2


async def test_an_arena_of_a_gpu_is_left_alone_on_the_cpu(server: EmbeddedServer) -> None:
    config = ECHO.config() | parameters(**{SHRINKAGE: "cpu:0;gpu:0"})
    async with loaded(server.url, ECHO, config) as model:
        np.testing.assert_array_equal((await model(x=row()))["y"], row())
        assert "names a GPU, and this instance is on the CPU" in log_of(server, model)


async def test_a_memory_pattern_takes_one_block_for_a_shape_that_comes_again(
    server: EmbeddedServer,
) -> None:
    """It is taken beside what the arena has of the first run."""
    sizes = [MEGABYTES, MEGABYTES]
    first, again = await growth_megabytes(server, sizes)
    assert again - first > MEGABYTES
    first, again = await growth_megabytes(server, sizes, enable_mem_pattern="0")
    assert again - first < MEGABYTES / 2


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("encoder.onnx", "1/encoder.onnx"),
        ("parts/encoder.onnx", "1/parts/encoder.onnx"),
        ("parts", "1/parts/model.onnx"),
    ],
)
async def test_the_model_file_is_the_one_that_is_named(
    server: EmbeddedServer, repository: Path, name: str, path: str
) -> None:
    config = ECHO.config() | {"default_model_filename": name}
    async with loaded(server.url, ECHO, config, {path: ECHO.file()}) as model:
        np.testing.assert_array_equal((await model(x=row(2)))["y"], row(2))


async def test_a_library_of_operators_is_loaded_and_asked_to_register_them(
    server: EmbeddedServer, tmp_path: Path, compiled: Callable[[str], bytes]
) -> None:
    mark = tmp_path / "registered"
    library = compiled(OP_LIBRARY.format(mark=mark))
    config = ECHO.config() | {"model_operations": {"op_library_filename": ["libops.so"]}}
    files = {"1/model.onnx": ECHO.file(), "1/libops.so": library}
    async with loaded(server.url, ECHO, config, files) as model:
        np.testing.assert_array_equal((await model(x=row()))["y"], row())
    assert mark.exists()


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[[str], bytes]:
    def build(source: str) -> bytes:
        (tmp_path / "ops.c").write_text(source)
        command = ["cc", "-shared", "-fPIC", "-o", "libops.so", "ops.c"]
        try:
            subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
        except FileNotFoundError:
            pytest.skip("this machine has no C compiler")
        return (tmp_path / "libops.so").read_bytes()

    return build


async def test_accelerators_that_this_machine_lacks_are_told_and_done_without(
    server: EmbeddedServer,
) -> None:
    accelerators = {
        "gpu_execution_accelerator": [{"name": "tensorrt"}, {"name": "cuda"}],
        "cpu_execution_accelerator": [{"name": "openvino"}],
    }
    config = ECHO.config() | {"optimization": {"execution_accelerators": accelerators}}
    async with loaded(server.url, ECHO, config) as model:
        np.testing.assert_array_equal((await model(x=row()))["y"], row())
        log = log_of(server, model)
    assert "runs on CPUExecutionProvider (asked for OpenVINOExecutionProvider" in log
    assert "OpenVINOExecutionProvider is asked for in config.pbtxt but not installed" in log
    for name in ("tensorrt", "cuda"):
        assert f"the accelerator {name} is for instances on a GPU" in log


@pytest.mark.parametrize(
    ("dims", "own", "shape"),
    [([1], [], (8, 1)), ([4], [2, 2], (2, 4)), ([2, -1], [1, 2, -1], (1, 2, 4))],
    ids=str,
)
async def test_reshape_stands_between_the_contract_and_the_model(
    server: EmbeddedServer, dims: list[int], own: list[int], shape: tuple[int, ...]
) -> None:
    axes = ["N", *("W" if extent == -1 else extent for extent in own)]
    graph = Graph(
        nodes=[helper.make_node("Neg", ["x"], ["y"])], inputs={"x": axes}, outputs={"y": axes}
    )
    entry = {"data_type": "TYPE_FP32", "dims": dims, "reshape": {"shape": own}}
    config = graph.config() | {key: [{"name": n, **entry}] for key, n in IO.items()}
    async with loaded(server.url, graph, config) as model:
        x = np.arange(8, dtype=np.float32).reshape(shape)
        np.testing.assert_array_equal((await model(x=x))["y"], -x)


async def test_an_optional_input_has_the_model_s_own_value_until_a_request_brings_another(
    server: EmbeddedServer,
) -> None:
    product = Graph(
        nodes=[helper.make_node("Mul", ["x", "scale"], ["y"])],
        inputs={"x": ["N"]},
        outputs={"y": ["N"]},
        constants={"scale": np.array([2], np.float32)},
        defaults=["scale"],
    )
    config = product.config(max_batch_size=0)
    config["input"].append(
        {"name": "scale", "data_type": "TYPE_FP32", "dims": [1], "optional": True}
    )
    x = np.array([1, 2, 3], np.float32)
    async with loaded(server.url, product, config) as model:
        np.testing.assert_array_equal((await model(x=x))["y"], x * 2)
        scale = np.array([5], np.float32)
        np.testing.assert_array_equal((await model(x=x, scale=scale))["y"], x * 5)


async def test_without_a_batch_size_shapes_are_whole_and_each_request_runs_for_itself(
    server: EmbeddedServer,
) -> None:
    total = Graph(
        nodes=[helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)],
        inputs={"x": [2, "W"]},
        outputs={"y": []},
    )
    config: dict[str, Any] = total.config(max_batch_size=0)
    config["output"][0]["dims"] = [1]
    async with loaded(server.url, total, config) as model:
        for width in (1, 3):
            answer = await model(x=np.ones((2, width), np.float32))
            assert answer["y"].tolist() == [2 * width]
        assert await model.executions() == 2

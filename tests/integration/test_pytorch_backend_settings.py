"""What each key of a configuration does to a TorchScript model, seen from outside."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from orchestrator.server.embedded import EmbeddedServer
from orchestrator.threads import given_cores
from tests.integration.loading import Loaded, loaded
from tests.integration.onnx_toys import Array, parameters
from tests.integration.torch_toys import config, needs_torch, run_python, script, served
from tests.integration.toy_models import write_echo

pytestmark = [pytest.mark.server, needs_torch]

ROW = [2]
OBSERVED = config({"x": ROW}, {"OUTPUT__0": ROW, "INFERENCE__1": ROW})
ECHO = config({"x": ROW}, {"y": ROW})
THREADS = ("INTRA_OP_THREAD_COUNT", "INTER_OP_THREAD_COUNT")
X: Array = np.ones((1, 2), np.float32)

TWO_INSTANCES = {"instance_group": [{"count": 2, "kind": "KIND_CPU"}]}
WEIGHTS_MEGABYTES = 16

RUNS_UNTIL_OPTIMIZED = 3
JIT_LOG = ">>profiling_graph_executor_impl:>>graph_executor:>>tensorexpr_fuser"
NEWER, OLDER = "profiling_graph_executor_impl.cpp", " graph_executor.cpp"  # torch's two executors
OPTIMIZED = "runProfilingInsensitiveOptimizations"
PROFILED = "runPreAutodiffPassPipeline"  # what it does with what it has seen in the first runs
FUSED = "After TExprFuser"
MARKS = (NEWER, OLDER, OPTIMIZED, PROFILED, FUSED)

SWITCHES = """
import sys, torch
from pathlib import Path
from backends.pytorch.script import Script
from backends.pytorch.settings import Settings
Script(Path(sys.argv[1]), Settings.parse({"DISABLE_CUDNN": sys.argv[2]}, share=1), None)
print(torch.backends.cudnn.enabled)
"""


def threads(model: Loaded) -> int:
    """How many threads the process of a model has."""
    (pid,) = model.processes()
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


async def threads_of_a_run(server: EmbeddedServer, values: dict[str, str]) -> int:
    """How many threads a model with these parameters starts at its first run."""
    async with served(server.url, "Parallel", ECHO | parameters(**values)) as model:
        before = threads(model)
        await model(x=X)
        return threads(model) - before


@pytest.mark.parametrize(("key", "other"), [("INTRA", "INTER"), ("INTER", "INTRA")])
async def test_a_thread_count_is_that_of_the_threads_that_a_run_starts(
    server: EmbeddedServer, key: str, other: str
) -> None:
    started = []
    for count in ("1", "4"):
        values = {f"{key}_OP_THREAD_COUNT": count, f"{other}_OP_THREAD_COUNT": "2"}
        started.append(await threads_of_a_run(server, values))
    assert started[1] - started[0] == 3


@pytest.mark.parametrize("count", ["0", "-1"])
async def test_a_thread_count_below_1_and_none_stand_for_the_cores_of_the_instance(
    server: EmbeddedServer, count: str
) -> None:
    cores = str(given_cores())
    started = [
        await threads_of_a_run(server, values)
        for values in ({}, dict.fromkeys(THREADS, count), dict.fromkeys(THREADS, cores))
    ]
    assert len(set(started)) == 1


async def test_the_instances_of_a_model_share_the_cores(server: EmbeddedServer) -> None:
    cores = given_cores()
    shared = ECHO | {"instance_group": [{"count": cores, "kind": "KIND_CPU"}]}
    async with served(server.url, "Echo", shared) as model:
        said = log_of(server, model)
    assert said.count("1 intra-op and 1 inter-op threads") == cores


@pytest.mark.parametrize(
    ("values", "observed"),
    [({}, 1), ({"INFERENCE_MODE": "true"}, 1), ({"INFERENCE_MODE": "False"}, 0)],
)
async def test_inference_mode_is_on_unless_it_is_turned_off(
    server: EmbeddedServer, values: dict[str, str], observed: int
) -> None:
    async with served(server.url, "Observed", OBSERVED | parameters(**values)) as model:
        assert (await model(x=X))["INFERENCE__1"].tolist() == [[observed] * 2]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def talkative(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """A server whose torch logs what becomes of the graphs."""
    repository = tmp_path_factory.mktemp("talkative")
    write_echo(repository)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTORCH_JIT_LOG_LEVEL", JIT_LOG)
        started = await EmbeddedServer.start(repository)
    async with started as running:
        yield running


@pytest.mark.parametrize(
    ("values", "marks"),
    [
        ({}, {NEWER, OPTIMIZED, PROFILED, FUSED}),
        ({"DISABLE_OPTIMIZED_EXECUTION": "true"}, {NEWER}),
        ({"DISABLE_OPTIMIZED_EXECUTION": "false"}, {NEWER, OPTIMIZED, PROFILED, FUSED}),
        ({"ENABLE_JIT_EXECUTOR": "false"}, {OLDER}),
        ({"ENABLE_JIT_EXECUTOR": "true"}, {NEWER, OPTIMIZED, PROFILED, FUSED}),
        ({"ENABLE_JIT_PROFILING": "off"}, {NEWER}),
        ({"ENABLE_JIT_PROFILING": "on"}, {NEWER, OPTIMIZED, PROFILED, FUSED}),
        ({"ENABLE_TENSOR_FUSER": "0"}, {NEWER, OPTIMIZED, PROFILED}),
        ({"ENABLE_TENSOR_FUSER": "1"}, {NEWER, OPTIMIZED, PROFILED, FUSED}),
    ],
)
async def test_torch_s_own_log_tells_how_the_graph_was_run(
    talkative: EmbeddedServer, values: dict[str, str], marks: set[str]
) -> None:
    async with served(talkative.url, "Observed", OBSERVED | parameters(**values)) as model:
        start = talkative.log_file.stat().st_size
        for _ in range(RUNS_UNTIL_OPTIMIZED):
            answer = await model(x=X)
        said = talkative.log_file.read_bytes()[start:].decode(errors="replace")
    assert {mark for mark in MARKS if mark in said} == marks
    np.testing.assert_allclose(answer["OUTPUT__0"], np.tanh(X * 2 + 1) * X, rtol=1e-6)


@pytest.mark.parametrize(("shares", "mapped"), [("true", True), ("false", False)])
async def test_instances_that_share_weights_have_the_pages_of_the_file_for_them(
    server: EmbeddedServer, shares: str, mapped: bool
) -> None:
    fields = TWO_INSTANCES | parameters(ENABLE_WEIGHT_SHARING=shares)
    async with served(server.url, "Heavy", ECHO | fields) as model:
        processes = model.processes()
        sizes = [megabytes(pid, "Size") for pid in processes]
        private = [megabytes(pid, "Private_Dirty") for pid in processes]
    assert [size >= WEIGHTS_MEGABYTES for size in sizes] == [mapped] * 2
    assert max(private) < 1


async def test_an_instance_that_writes_to_shared_weights_writes_to_its_own(
    server: EmbeddedServer,
) -> None:
    fields = TWO_INSTANCES | parameters(ENABLE_WEIGHT_SHARING="true")
    async with served(server.url, "Heavy", ECHO | fields) as model:
        runs = [(await model(x=X))["y"][0, 0] - 1 for _ in range(6)]
    assert max(runs) < 6  # two instances took turns, and neither saw the other's count


@pytest.mark.parametrize(("value", "enabled"), [("true", "False"), ("false", "True")])
def test_the_switch_of_cudnn_is_set_in_the_process(
    tmp_path: Path, value: str, enabled: str
) -> None:
    (tmp_path / "model.pt").write_bytes(script("Echo"))
    done = run_python("-c", SWITCHES, str(tmp_path / "model.pt"), value)
    assert done.stdout.split() == [enabled], done.stderr


async def test_cleaning_the_cache_has_no_effect_on_the_processor(server: EmbeddedServer) -> None:
    fields = parameters(ENABLE_CACHE_CLEANING="true")
    async with served(server.url, "Echo", ECHO | fields) as model:
        np.testing.assert_array_equal((await model(x=X))["y"], X)


async def test_the_file_may_have_another_name(server: EmbeddedServer) -> None:
    named = ECHO | {"default_model_filename": "voice.pt"}
    async with loaded(server.url, b"", named, {"1/voice.pt": script("Echo")}) as model:
        np.testing.assert_array_equal((await model(x=X))["y"], X)


async def test_an_instance_of_kind_model_runs_on_the_processor_without_a_gpu(
    server: EmbeddedServer,
) -> None:
    fields = {"instance_group": [{"count": 1, "kind": "KIND_MODEL"}]}
    async with served(server.url, "Blend", config({"x": [3, 12, 12]}, {"y": [16]}) | fields) as m:
        assert (await m(x=np.zeros((2, 3, 12, 12), np.float32)))["y"].shape == (2, 16)


async def test_the_log_says_where_and_how_a_model_runs(server: EmbeddedServer) -> None:
    values = parameters(INTRA_OP_THREAD_COUNT="3", INTER_OP_THREAD_COUNT="2", INFERENCE_MODE="0")
    async with served(server.url, "Echo", ECHO | values) as model:
        said = log_of(server, model)
    assert re.search(r"model\.pt runs on cpu with torch \d", said)
    assert "3 intra-op and 2 inter-op threads, optimized execution on, inference mode off" in said


def megabytes(pid: int, field: str) -> float:
    """A field of `/proc/<pid>/smaps`, over all that is mapped of the model's file."""
    text = Path(f"/proc/{pid}/smaps").read_text()
    parts = re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", text)
    file = "\n".join(part for part in parts if ".pt" in part.partition("\n")[0])
    return sum(int(size) for size in re.findall(rf"^{field}: +(\d+) kB", file, re.M)) / 1024


def log_of(server: EmbeddedServer, model: Loaded) -> str:
    lines = server.log_file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if f"{model.name}_" in line)

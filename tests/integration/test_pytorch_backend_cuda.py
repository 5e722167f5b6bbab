"""TorchScript models on a GPU; needs a torch with CUDA in the embedded server's environment."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from orchestrator.server.embedded import EmbeddedServer
from tests.integration.onnx_toys import Array, parameters
from tests.integration.torch_toys import config, has_torch, run_python, script, served
from tests.integration.toy_models import write_echo

CONTROL_DEVICE = Path("/dev/nvidiactl")
FIND_CUDA = "import sys, torch; sys.exit(not torch.cuda.is_available())"
PICTURES: Array = np.random.default_rng(0).normal(size=(5, 3, 12, 12)).astype(np.float32)
BLEND = config({"x": [3, 12, 12]}, {"y": [16]})
TOLERANCE = 1e-4
CACHED_MEGABYTES = 200
ON_GPU = {"instance_group": [{"count": 1, "kind": "KIND_GPU"}]}

RESERVED = """
import sys, torch
from pathlib import Path
from backends.pytorch.script import Script
from backends.pytorch.settings import Settings
device = torch.device("cuda", 0)
settings = Settings.parse({"ENABLE_CACHE_CLEANING": sys.argv[2]}, share=1)
Script(Path(sys.argv[1]), settings, device)([torch.ones(1, device=device)])
print(torch.cuda.memory_reserved() / 1e6)
"""


def has_cuda() -> bool:
    """Whether torch can use a GPU; it is asked only where there may be one."""
    if not CONTROL_DEVICE.exists() or not has_torch():
        return False
    return run_python("-c", FIND_CUDA).returncode == 0


pytestmark = [
    pytest.mark.gpu,
    pytest.mark.server,
    pytest.mark.skipif(not has_cuda(), reason="no GPU that the environment's torch can use"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gpu_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """A server that may use the GPU."""
    repository = tmp_path_factory.mktemp("gpu")
    write_echo(repository)
    async with await EmbeddedServer.start(repository, device="cuda") as running:
        yield running


async def test_a_gpu_instance_gives_the_numbers_of_the_processor(
    gpu_server: EmbeddedServer,
) -> None:
    async with (
        served(gpu_server.url, "Blend", BLEND) as processor,
        served(gpu_server.url, "Blend", BLEND | ON_GPU) as gpu,
    ):
        ours, theirs = (await processor(x=PICTURES))["y"], (await gpu(x=PICTURES))["y"]
        assert f"{gpu.name}_0_0: model.pt runs on cuda:0" in gpu_server.log_file.read_text()
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("values", "used"), [({}, 1.0), ({"DISABLE_CUDNN": "true"}, 0.0)])
async def test_cudnn_is_used_unless_it_is_turned_off(
    gpu_server: EmbeddedServer, values: dict[str, str], used: float
) -> None:
    declared = config({"x": [1]}, {"y": [1]}) | ON_GPU | parameters(**values)
    async with served(gpu_server.url, "Cudnn", declared) as model:
        assert (await model(x=np.ones((1, 1), np.float32)))["y"].item() == used


@pytest.mark.parametrize(("cleans", "kept"), [("true", False), ("false", True)])
def test_memory_of_a_run_is_kept_unless_the_cache_is_cleaned(
    tmp_path: Path, cleans: str, kept: bool
) -> None:
    (tmp_path / "model.pt").write_bytes(script("Wide"))
    done = run_python("-c", RESERVED, str(tmp_path / "model.pt"), cleans)
    assert done.returncode == 0, done.stderr
    assert (float(done.stdout) > CACHED_MEGABYTES) is kept

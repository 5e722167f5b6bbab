"""The command line and the environment of tritonserver."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from client.keys import Key
from orchestrator.server.assembly import Assembly
from orchestrator.server.memory import GROWTH_BYTES, REGION_BYTES
from orchestrator.server.ports import LOOPBACK, Ports
from orchestrator.server.runtime import NO_TELEMETRY, Runtime
from orchestrator.threads import ThreadPlan

# Who may load a model may run code; who may share memory or write traces may read and write files.
RESTRICTED = "model-repository,shared-memory,trace,logging"

Device: TypeAlias = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What a server is to serve, and how.

    Attributes:
        runtime: The server's environment.
        repository: The model repository.
        models: What it loads; a model that does not load ends it.
        ports: Where it listens, on the loopback interface.
        device: Where the models run; only `cuda` lets the server see GPUs.
        key: What opens the restricted interfaces; None leaves them open to the whole machine.
        completes: Whether backends are asked for what configurations leave out, for which every
            model starts twice.
    """

    runtime: Runtime
    repository: Path
    models: Sequence[str]
    ports: Ports
    device: Device = "cpu"
    key: Key | None = None
    completes: bool = False


def server_command(assembly: Assembly, launch: Launch, shm_prefix: str) -> list[str]:
    """Returns the command of a server.

    Args:
        assembly: The server's private folder.
        launch: What it is to serve.
        shm_prefix: Beginning of the names of its shared memory regions.
    """
    command = [
        str(assembly.runtime / launch.runtime.server.relative_to(launch.runtime.root)),
        f"--model-repository={assembly.repository}",
        f"--backend-directory={assembly.backends}",
        "--model-control-mode=explicit",
        *(f"--load-model={model}" for model in launch.models),
        # Clients finish their calls before they stop the server; waiting comes in whole seconds.
        "--exit-timeout-secs=0",
        f"--backend-config=python,shm-region-prefix-name={shm_prefix}",
        f"--backend-config=python,shm-default-byte-size={REGION_BYTES}",
        f"--backend-config=python,shm-growth-byte-size={GROWTH_BYTES}",
    ]
    for service in ("grpc", "http", "metrics"):
        command.append(f"--{service}-address={LOOPBACK}")
        command.append(f"--{service}-port={getattr(launch.ports, service)}")
    if not launch.completes:
        command.append("--disable-auto-complete-config")
    if launch.key is not None:
        command.append(f"--grpc-restricted-protocol={RESTRICTED}:{launch.key.text}")
        command.append(f"--http-restricted-api={RESTRICTED}:{launch.key.text}")
    if launch.device != "cuda":
        command += ["--allow-gpu-metrics=false", "--pinned-memory-pool-byte-size=0"]
    return command


def server_environment(
    assembly: Assembly, launch: Launch, base: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Returns the environment in which the server and its stubs find their own libraries."""
    libraries = [
        assembly.runtime / launch.runtime.libraries.relative_to(launch.runtime.root),
        assembly.python_libraries,
    ]
    environment = {key: value for key, value in base.items() if not key.startswith("PYTHON")}
    environment["LD_LIBRARY_PATH"] = _joined(libraries, base.get("LD_LIBRARY_PATH"))
    environment["PATH"] = _joined([assembly.runtime / "bin"], base.get("PATH", os.defpath))
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    environment |= NO_TELEMETRY
    environment |= ThreadPlan.of_this_process().environment()
    if launch.device != "cuda":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    return environment


def _joined(first: Sequence[Path], rest: str | None) -> str:
    return os.pathsep.join([*map(str, first), *([rest] if rest else [])])

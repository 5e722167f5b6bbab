"""Execution providers: which a configuration asks for, and which this machine has."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias

from backends.onnxruntime.cuda import cuda_options
from backends.onnxruntime.tensorrt import tensorrt_options
from backends.shared.config import ModelConfig

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
OPENVINO = "OpenVINOExecutionProvider"

GPU_ACCELERATORS = ("cuda", "tensorrt")
CPU_ACCELERATORS = ("openvino",)

Provider: TypeAlias = tuple[str, dict[str, str]]


@dataclass(frozen=True)
class Wish:
    """The providers that a session is to have, best first, and what to tell of them."""

    providers: list[Provider]
    remarks: list[str]

    @property
    def names(self) -> list[str]:
        """The providers' names."""
        return [name for name, _ in self.providers]

    def without(self, absent: Collection[str]) -> "Wish":
        """Leaves providers out that this machine lacks; the next one does their work."""
        lacking = [name for name in self.names if name in absent]
        remarks = [
            f"{name} is asked for in config.pbtxt but not installed beside this server: the "
            "model runs without it"
            for name in lacking
        ]
        kept = [provider for provider in self.providers if provider[0] not in absent]
        return Wish(kept, self.remarks + remarks)


def wished_providers(config: ModelConfig, kind: str, device_id: int) -> Wish:
    """Returns the providers that a configuration asks for on a device.

    Args:
        config: The model's configuration.
        kind: `CPU` or `GPU`, the kind of the instance.
        device_id: Index of the GPU.

    Raises:
        ValueError: If there is no such accelerator, or it has no such parameter.
    """
    providers: list[Provider] = []
    remarks: list[str] = []
    if kind == "GPU":
        providers += _of_gpu(config, device_id)
    else:
        remarks += _idle_remarks(config)
    providers += _of_cpu(config)
    return Wish([*providers, (CPU, {})], remarks)


def _of_gpu(config: ModelConfig, device_id: int) -> list[Provider]:
    accelerators = config.gpu_accelerators
    _check_names("gpu", [entry.name for entry in accelerators], GPU_ACCELERATORS)
    providers = [
        (TENSORRT, tensorrt_options(entry.parameters, device_id))
        for entry in accelerators
        if entry.name == "tensorrt"
    ]
    asked = {k: v for e in accelerators if e.name == "cuda" for k, v in e.parameters.items()}
    return [*providers, (CUDA, cuda_options(asked, config.parameters, device_id))]


def _of_cpu(config: ModelConfig) -> list[Provider]:
    names = [entry.name for entry in config.cpu_accelerators]
    _check_names("cpu", names, CPU_ACCELERATORS)
    return [(OPENVINO, {"device_type": "CPU"})] if names else []


def _idle_remarks(config: ModelConfig) -> list[str]:
    return [
        f"the accelerator {entry.name} is for instances on a GPU, and this one is on the CPU"
        + ("" if entry.name in GPU_ACCELERATORS else "; on a GPU it is unknown and would not load")
        for entry in config.gpu_accelerators
    ]


def _check_names(device: str, names: list[str], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(
                f"the {device}_execution_accelerator {name!r} of config.pbtxt is unknown; it can "
                f"be {', '.join(known)}"
            )

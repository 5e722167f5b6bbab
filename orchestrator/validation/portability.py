"""Keys of a configuration that work on one server or machine, and not on the other."""

import re
from collections.abc import Iterator

from orchestrator.validation.config import CONFIG_NAME, Config
from orchestrator.validation.files import leads_out
from orchestrator.validation.finding import Finding, listed

BACKENDS = ("onnxruntime", "pytorch", "python")  # of both servers
PLATFORMS = {
    "onnxruntime": ("onnxruntime_onnx",),
    "pytorch": ("pytorch_libtorch",),
    "python": (),
}
QUEUE_KEYS = (
    "max_queue_size",
    "default_timeout_microseconds",
    "allow_timeout_override",
    "timeout_action",
)
PRIORITY_KEYS = ("priority_levels", "default_priority_level", "priority_queue_policy")
NATIVE_ONLY = ("batch_input", "batch_output", "sequence_batching", "input.allow_ragged_batch")
SAFE_FILE = re.compile(r"[A-Za-z0-9_./-]*")
GPU = 1  # ModelInstanceGroup.KIND_GPU

_STALL = "Triton's scheduler then stalls for 500 ms at random"


def name(config: Config) -> Iterator[Finding]:
    """Triton refuses a model that is called otherwise than its folder."""
    folder = config.place.rpartition("/")[0]
    if config.message.name != folder:
        said = config.message.name
        sentence = (
            f"The model is called {said} here, and its folder {folder}."
            if said
            else "The configuration does not name its model."
        )
        yield config.finding("config-name", "name", sentence, f'Write name: "{folder}".')


def backend(config: Config) -> Iterator[Finding]:
    """Both servers must have the backend."""
    if config.is_ensemble:
        return
    if not config.backend:
        mend = f'Write backend: "onnxruntime", or another of {listed(BACKENDS)}.'
        yield config.finding("backend", "platform", "The configuration names no backend.", mend)
    elif config.backend not in BACKENDS:
        yield config.finding(
            "backend",
            "backend",
            f"The embedded server has no backend {config.backend}.",
            f"Export the model for {listed(BACKENDS[:2])}.",
        )


def platform(config: Config) -> Iterator[Finding]:
    """A platform is another name of the backend, and must not contradict it."""
    said, known = str(config.message.platform), PLATFORMS.get(config.backend)
    if said and known is not None and said not in known and not config.is_ensemble:
        yield config.finding(
            "platform",
            "platform",
            f"The platform {said} does not go with the backend {config.backend}, and Triton "
            "refuses the model.",
            "Remove platform; backend says it all.",
        )


def runtime(config: Config) -> Iterator[Finding]:
    """A runtime forces one implementation of the backend on every server."""
    if config.message.runtime:
        yield config.finding(
            "runtime",
            "runtime",
            f"The runtime {config.message.runtime} makes every server use that file in the place "
            "of its own backend.",
            "Remove runtime; each server finds its own.",
        )


def queue_policy(config: Config) -> Iterator[Finding]:
    """Any key of a queue policy takes Triton's path that stalls."""
    for policy in ("default_queue_policy", "priority_queue_policy.value"):
        base = f"dynamic_batching.{policy}"
        keys = [key for key in QUEUE_KEYS if f"{base}.{key}" in config.lines]
        if keys:
            yield config.finding(
                "queue-policy",
                f"{base}.{keys[0]}",
                f"There is a queue policy ({listed(keys)}): {_STALL}.",
                "Remove it; clients bound what is in flight.",
            )


def priorities(config: Config) -> Iterator[Finding]:
    """So does any priority."""
    for key in PRIORITY_KEYS:
        path = f"dynamic_batching.{key}"
        if path in config.lines:
            yield config.finding(
                "priorities",
                path,
                f"There are priorities ({key}): {_STALL}.",
                "Remove them; clients bound what is in flight.",
            )
            return


def instance_count(config: Config) -> Iterator[Finding]:
    """Without a count the servers choose, and not the same."""
    if config.is_ensemble:
        return
    mend = "Write instance_group [ { count: 1 } ]."
    if not config.message.instance_group:
        sentence = "There is no instance_group: a CPU server then starts two processes a model."
        yield config.finding("instance-count", "", sentence, mend)
    for index, group in enumerate(config.message.instance_group):
        if group.count < 1:
            sentence = "An instance group has no count: a CPU server then starts two processes."
            yield config.finding("instance-count", "instance_group", sentence, mend, index=index)


def instance_kind(config: Config) -> Iterator[Finding]:
    """A device that is written down has to exist on every machine."""
    for index, group in enumerate(config.message.instance_group):
        for key, wrong in _fixed(group):
            path = f"instance_group.{key}"
            yield config.finding(
                "instance-kind",
                path if path in config.lines else "instance_group",
                wrong,
                f"Remove {key}; Triton takes a GPU where there is one.",
                index=index if len(config.lines.get(path, ())) != 1 else 0,
            )


def accelerators(config: Config) -> Iterator[Finding]:
    """Accelerators are built into some servers only."""
    found = config.message.optimization.execution_accelerators
    base = "optimization.execution_accelerators"
    for device in ("gpu_execution_accelerator", "cpu_execution_accelerator"):
        for index, accelerator in enumerate(getattr(found, device)):
            if accelerator.name != "cuda":
                yield config.finding(
                    "accelerator",
                    f"{base}.{device}",
                    f"The accelerator {accelerator.name} is in some builds of Triton only, and "
                    "gives other numbers or none elsewhere.",
                    "Remove it, or serve this model where the build has it.",
                    index=index,
                    level="warning",
                )


def limits(config: Config) -> Iterator[Finding]:
    """What only the native backends do."""
    if config.backend not in BACKENDS[:2]:
        return
    for path in NATIVE_ONLY:
        if path in config.lines:
            yield config.finding(
                "native-only",
                path,
                f"The embedded server does not do what {path} asks for, and refuses the model.",
                "Remove it, or serve this model in NVIDIA's container alone.",
            )


def file_names(config: Config) -> Iterator[Finding]:
    """A file that is outside of its folder is not there when the folder is moved."""
    files = {"default_model_filename": config.message.default_model_filename}
    files["model_operations.op_library_filename"] = ""
    for path, said in files.items():
        if leads_out(said):
            yield _leads_out(config, path, said)
        elif not SAFE_FILE.fullmatch(said):
            yield config.finding(
                "file-name",
                path,
                f"The embedded server cannot serve a file called {said!r}: its processes are "
                "started through a shell.",
                "Rename it to letters, digits, dots, dashes and underscores.",
            )
    for index, said in enumerate(config.message.model_operations.op_library_filename):
        if leads_out(said):
            yield _leads_out(config, "model_operations.op_library_filename", said, index)


def agents(config: Config) -> Iterator[Finding]:
    """Agents are libraries of one server."""
    for agent in config.message.model_repository_agents.agents:
        yield config.finding(
            "agent",
            "model_repository_agents",
            f"The repository agent {agent.name} is a library that the embedded server lacks.",
            f"Remove model_repository_agents from {CONFIG_NAME}.",
        )


def _leads_out(config: Config, path: str, said: str, index: int = 0) -> Finding:
    key = path.rpartition(".")[2]
    sentence = f"{key} is {said}, which leads out of the model's folder."
    mend = "Put the file into the folder and write its bare name."
    return config.finding("file-name", path, sentence, mend, index=index)


def _fixed(group: object) -> Iterator[tuple[str, str]]:
    if getattr(group, "kind", 0) == GPU:
        yield "kind", "KIND_GPU makes every server without a GPU fail to load the model."
    if getattr(group, "gpus", ()):
        yield "gpus", "GPUs are named, and a server that has none of them fails to load the model."
    if getattr(group, "profile", ()):
        yield "profile", "A profile is TensorRT's, and Triton refuses it for any other backend."

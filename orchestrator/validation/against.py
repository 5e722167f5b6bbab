"""A live server beside the repository: does it serve what lies there?

Triton fills in what a configuration leaves open, so only what the files say is compared.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from client.control import Control
from client.endpoint import Access
from client.errors import InputError, ServerUnavailableError
from client.tensors import TensorSpec
from orchestrator.validation.config import MIRROR, Config, datatype_of
from orchestrator.validation.finding import Finding, error, listed, warning
from orchestrator.validation.repository import Model, Repository

AGAIN = "Load the model again, or correct the file."
KEYS = ("backend", "max_batch_size", "default_model_filename")


@dataclass(frozen=True)
class Served:
    """What a server serves.

    Attributes:
        url: The server.
        versions: Ready versions by model.
        configs: Loaded configuration by model.
    """

    url: str
    versions: Mapping[str, set[str]]
    configs: Mapping[str, Any]


async def compare(repository: Repository, url: str, access: Access) -> list[Finding]:
    """Compares every model with the one that a server serves.

    Args:
        repository: The repository.
        url: gRPC endpoint as host:port.
        access: What is shown to the server.

    Raises:
        InputError: If the endpoint cannot be used.
        ServerError: If the server does not answer.
    """
    served = await _served(repository, url, access)
    found = [finding for model in repository.models for finding in _model(model, served)]
    return [*found, *_others(repository, served)]


async def _served(repository: Repository, url: str, access: Access) -> Served:
    try:
        async with Control(url, access=access) as server:
            ready = await server.ready_versions()
            names = [model.name for model in repository.models if model.name in ready]
            configs = {name: await server.model_config(name) for name in names}
            return Served(server.url, ready, configs)
    except (InputError, ServerUnavailableError) as failure:
        raise type(failure)(str(failure).replace("--url", "--against")) from failure


def _others(repository: Repository, served: Served) -> Iterator[Finding]:
    for name in sorted(served.versions.keys() - repository.by_name.keys()):
        yield warning(
            "server-model",
            name,
            f"The server at {served.url} serves a model that the repository lacks.",
            "Unload it, or add it to the repository.",
        )


def _model(model: Model, served: Served) -> Iterator[Finding]:
    config, loaded = model.config.value, served.configs.get(model.name)
    if loaded is None:
        sentence = f"The server at {served.url} does not serve the model."
        yield error("server-model", model.name, sentence, "Load it; its log says why it is not.")
    elif config is not None:
        yield from _versions(model, config, served)
        yield from _keys(config, loaded)
        for key in ("input", "output"):
            yield from _tensors(config, loaded, key)
        yield from _instances(config, loaded)
        yield from _batching(config, loaded)
        yield from _manifests(config, loaded, served.versions[model.name])
        yield from _parameters(config, loaded)


def _versions(model: Model, config: Config, served: Served) -> Iterator[Finding]:
    if config.policy_versions is None:
        return
    wanted = {version.name for version in model.served_versions}
    ready = served.versions[model.name]
    missing, others = sorted(wanted - ready, key=int), sorted(ready - wanted, key=int)
    if missing:
        yield config.finding(
            "server-version",
            "version_policy",
            f"The server at {served.url} does not have version {listed(missing)} ready.",
            "Load the model again; the server's log says why it is not.",
        )
    if others:
        yield config.finding(
            "server-version",
            "version_policy",
            f"The server at {served.url} has version {listed(others)} ready, which version_policy "
            "does not name.",
            "Load the model again, unless a swap is under way.",
            level="warning",
        )


def _keys(config: Config, loaded: Any) -> Iterator[Finding]:
    for key in KEYS:
        said, found = getattr(config.message, key), getattr(loaded, key)
        if said and said != found:
            yield _different(config, key, f"{key} {found}", said)


def _tensors(config: Config, loaded: Any, key: str) -> Iterator[Finding]:
    said, found = _shapes(getattr(config.message, key)), _shapes(getattr(loaded, key))
    for index, (name, tensor) in enumerate(said.items()):
        if name not in found:
            yield _different(config, key, f"no {key} {name}", tensor, index)
        elif found[name] != tensor:
            yield _different(config, key, f"the {key} {found[name]}", tensor, index)
    for name in found.keys() - said.keys():
        yield _different(config, key, f"the {key} {found[name]}", "nothing of it")


def _instances(config: Config, loaded: Any) -> Iterator[Finding]:
    said = [group.count for group in config.message.instance_group]
    found = [group.count for group in loaded.instance_group]
    if all(said) and said and said != found:
        yield _different(config, "instance_group", f"{listed(found)} instances", listed(said))


def _batching(config: Config, loaded: Any) -> Iterator[Finding]:
    said, found = _delay(config.message), _delay(loaded)
    if said != found:
        yield _different(config, "dynamic_batching", found, said)


def _manifests(config: Config, loaded: Any, ready: set[str]) -> Iterator[Finding]:
    for version, text in config.mirrors.items():
        if version not in ready:
            continue
        found = loaded.parameters[MIRROR + version].string_value
        wrong = _difference(_parsed(text), _parsed(found))
        if wrong:
            yield error(
                "server-manifest",
                config.place,
                f"The server's version {version} {wrong}.",
                AGAIN,
                config.parameter_line(MIRROR + version),
            )


def _parameters(config: Config, loaded: Any) -> Iterator[Finding]:
    for key, said in config.parameters.items():
        if key.startswith(MIRROR):
            continue
        found = loaded.parameters[key].string_value if key in loaded.parameters else "nothing"
        if found != said:
            line = config.parameter_line(key)
            sentence = f"The server has {found} for the parameter {key}, and the file says {said}."
            yield error("server-config", config.place, sentence, AGAIN, line)


def _different(config: Config, key: str, found: str, said: object, index: int = 0) -> Finding:
    sentence = f"The server has {found}, and the file says {said}."
    return config.finding("server-config", key, sentence, AGAIN, index=index)


def _shapes(tensors: Any) -> dict[str, str]:
    """Tensors by name, written as far as they matter to clients and models."""
    found = {}
    for tensor in tensors:
        text = str(TensorSpec(tensor.name, datatype_of(tensor), tuple(tensor.dims)))
        reshape = f" reshaped to {list(tensor.reshape.shape)}"
        found[str(tensor.name)] = text + reshape * tensor.HasField("reshape")
    return found


def _delay(message: Any) -> str:
    if not message.HasField("dynamic_batching"):
        return "no dynamic batching"
    return f"a queue delay of {message.dynamic_batching.max_queue_delay_microseconds} µs"


def _difference(said: Any, found: Any) -> str:
    """How a manifest differs, as the rest of a sentence; nothing where it does not."""
    if said == found:
        return ""
    if not isinstance(found, dict) or not isinstance(said, dict):
        return "has no manifest that can be read"
    files, others = said.get("files"), found.get("files")
    if isinstance(files, dict) and isinstance(others, dict) and files != others:
        changed = [name for name in files if files[name] != others.get(name)]
        return f"has another {listed(changed or others)} (its sha256 differs)"
    keys = [key for key in said.keys() | found.keys() if said.get(key) != found.get(key)]
    return f"has another manifest ({listed(sorted(keys))})"


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

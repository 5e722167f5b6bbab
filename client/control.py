"""The rest of a server's interface: which versions are loaded, how they fare, and loading anew."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.connection import CONTROL_TIMEOUT_S, Connection
from client.errors import InferenceError
from client.statistics import work_of
from client.vigil import Work

ANSWER_TIMEOUT_S = 2.0
RELOADED = "reloaded"

_PYTHON_TRACE = re.compile(r"\.? At: .*$")


@dataclass(frozen=True)
class Vitals:
    """What a server counts of one version of a model since it was loaded."""

    work: Work
    failures: int


class Control(Connection):
    """A connection for whoever keeps a server's models running."""

    async def ready_versions(self) -> dict[str, set[str]]:
        """Returns the versions that are ready, by model.

        Ready does not mean alive: a version whose processes are dead is ready, too.

        Raises:
            ServerError: If the server does not answer.
        """
        call = self._client.get_model_repository_index(
            headers=self.endpoint.restricted_headers(), client_timeout=ANSWER_TIMEOUT_S
        )
        index = (await self._control(call, "the models")).models
        ready: dict[str, set[str]] = {}
        for entry in index:
            if entry.state == "READY":
                ready.setdefault(entry.name, set()).add(entry.version)
        return ready

    async def vitals(self, name: str) -> dict[str, Vitals]:
        """Returns how every version of a model fares.

        Raises:
            ModelUnavailableError: If none is loaded.
            ServerError: If the server does not answer.
        """
        call = self._client.get_inference_statistics(
            name, "", headers=self.endpoint.headers, client_timeout=ANSWER_TIMEOUT_S
        )
        return {
            stats.version: Vitals(work_of(stats), int(stats.inference_stats.fail.count))
            for stats in (await self._control(call, name)).model_stats
        }

    async def load_again(self, name: str, timeout_s: float = CONTROL_TIMEOUT_S) -> None:
        """Replaces every process of a model by a new one, as it is loaded now.

        Versions, parameters and all else stay. There is no moment at which the model is not ready:
        the old processes go when the new ones are there, after what they have begun.

        Raises:
            ModelUnavailableError: If the model is not loaded.
            InferenceError: If it does not load; then the old processes stay.
            ServerError: If the server does not answer.
        """
        await self.load(name, _marked(await self._loaded_config(name)), timeout_s)

    async def serve_also(
        self, name: str, version: str, timeout_s: float = CONTROL_TIMEOUT_S
    ) -> None:
        """Loads one more version of a model beside those that are served, which go on.

        Args:
            name: The model.
            version: The version; nothing is done where it is served.
            timeout_s: How long the server may take.

        Raises:
            ModelUnavailableError: If the model is not loaded.
            InferenceError: If the version does not load; then the others stay.
            ServerError: If the server does not answer, or wants a key.
        """
        served = await self.model_versions(name)
        if version not in served:
            policy = {"specific": {"versions": sorted({*map(int, served), int(version)})}}
            config = await self._loaded_config(name)
            await self.load(name, config | {"version_policy": policy}, timeout_s)

    async def _loaded_config(self, name: str) -> dict[str, Any]:
        call = self._client.get_model_config(
            name, as_json=True, headers=self.endpoint.headers, client_timeout=CONTROL_TIMEOUT_S
        )
        config: dict[str, Any] = (await self._control(call, name))["config"]
        return config

    async def load(
        self,
        name: str,
        config: Mapping[str, Any] | None = None,
        timeout_s: float = CONTROL_TIMEOUT_S,
    ) -> None:
        """Loads a model, or loads it anew where it is loaded; what runs finishes first.

        Args:
            name: The model.
            config: Its configuration instead of the one in the repository.
            timeout_s: How long the server may take.

        Raises:
            InferenceError: If it does not load.
            ServerError: If the server does not answer, or wants a key.
        """
        call = self._client.load_model(
            name,
            config=None if config is None else json.dumps(config),
            headers=self.endpoint.restricted_headers(),
            client_timeout=timeout_s,
        )
        try:
            await self._control(call, name)
        except InferenceError as error:
            raise InferenceError(_PYTHON_TRACE.sub("", str(error))) from error

    async def unload(self, name: str) -> None:
        """Unloads a model; what runs finishes.

        Raises:
            ServerError: If the server does not answer, or wants a key.
        """
        call = self._client.unload_model(
            name,
            headers=self.endpoint.restricted_headers(),
            client_timeout=CONTROL_TIMEOUT_S,
        )
        await self._control(call, name)


def _marked(config: dict[str, Any]) -> dict[str, Any]:
    """Counts the loads: a server ignores a configuration that it has loaded already."""
    parameters = config.get("parameters", {})
    count = int(parameters.get(RELOADED, {}).get("string_value", 0))
    return config | {"parameters": parameters | {RELOADED: {"string_value": str(count + 1)}}}

"""A model with its configuration: from arrays by name to arrays by name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from backends.pytorch.archive import model_file
from backends.pytorch.controls import controls_of
from backends.pytorch.devices import PROCESSOR, granted_device
from backends.pytorch.naming import Places
from backends.pytorch.script import Script
from backends.pytorch.settings import Settings
from backends.pytorch.signature import check_features, check_inputs, check_outputs, check_place
from backends.pytorch.values import to_array, to_value, to_values
from backends.shared.batching import Arrays
from backends.shared.config import ModelConfig


@dataclass(frozen=True)
class Grant:
    """What Triton and the machine give an instance.

    Attributes:
        kind: `CPU`, `GPU` or `MODEL`.
        device_id: Index of the GPU.
        cores: Processor cores that all instances of the model share.
    """

    kind: str
    device_id: int
    cores: int


class Runner:
    """One instance of one model version.

    Attributes:
        config: The model's configuration.
    """

    def __init__(self, model_config: str, version_folder: Path, grant: Grant) -> None:
        """Loads the model and makes sure that it fits its configuration.

        Args:
            model_config: The JSON text that Triton hands to a backend.
            version_folder: Folder of the model's version.
            grant: What the instance may use.

        Raises:
            ValueError: If the model cannot be served as configured.
        """
        self.config = config = ModelConfig.parse(model_config)
        controls = controls_of(model_config)
        check_features(config)
        self._settings = Settings.parse(
            config.parameters, share=max(1, grant.cores // config.instances)
        )
        path = model_file(version_folder, config.file_name)
        self._device = granted_device(grant.kind, grant.device_id)
        self._script = Script(path, self._settings, self._device)
        self._inputs = check_inputs(config, controls, self._script.forward)
        self._outputs = check_outputs(config, self._script.forward)

    def __call__(self, inputs: Arrays) -> Arrays:
        """Runs the model once.

        Raises:
            ValueError: If an input is missing or the model returns what it is not declared to.
            RuntimeError: If the model fails.
        """
        with self._script.mode():
            values = to_values(self._script(self._arguments(inputs)))
            return {
                tensor.name: to_array(self._result(values, tensor.name), tensor)
                for tensor in self.config.outputs
            }

    def describe(self) -> str:
        """Says where the model runs, and how."""
        device = self._device or "the devices that the model chooses"
        shared = f", {self._script.shared_bytes} bytes" * self._settings.shares_weights
        return (
            f"{self.config.file_name} runs on {device} with torch {torch.__version__}, "
            f"{self._settings.describe()}{shared}; inputs {self._inputs.manner}, "
            f"outputs {self._outputs.manner}"
        )

    def _arguments(self, inputs: Arrays) -> list[Any]:
        missing = self._inputs.by_name.keys() - inputs.keys()
        if missing:
            raise ValueError(f"the request lacks the inputs {', '.join(sorted(missing))}")
        device = self._device or PROCESSOR
        values = {name: to_value(inputs[name], device) for name in self._inputs.by_name}
        if self._script.forward.takes_dictionary:
            return [values]
        return [values[name] for name in _in_order(self._inputs)]

    def _result(self, values: Any, name: str) -> Any:
        place = self._outputs.by_name[name]
        check_place(self.config.file_name, name, place, len(values))
        return values[place]


def _in_order(places: Places) -> list[str]:
    return sorted(places.by_name, key=places.by_name.__getitem__)

"""The file that a server loads: written from a network, run from disk, and described."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from client.errors import InputError, OutputError
from export.family import Arrays, Network
from export.onnx_file import parsed
from export.onnx_network import run_session, session

Format = Literal["onnx", "torchscript"]

FILE_NAMES: Mapping[str, str] = {"onnx": "model.onnx", "torchscript": "model.pt"}
BACKENDS: Mapping[str, str] = {"onnx": "onnxruntime", "torchscript": "pytorch"}
MAX_OPSET = 17
MAX_IR_VERSION = 9

_OWN_DOMAINS = ("", "ai.onnx")


@dataclass(frozen=True)
class ModelFile:
    """A written network.

    Attributes:
        path: The file.
        format: What it is.
        network: What it was written from.
    """

    path: Path
    format: Format
    network: Network

    @classmethod
    def write(
        cls, network: Network, path: Path, file_format: Format, examples: Arrays
    ) -> "ModelFile":
        """Writes a network.

        Args:
            network: The network.
            path: The file.
            file_format: What to write.
            examples: Inputs, batch axis included, that it may be traced with.

        Raises:
            InputError: If a network of this kind cannot be written so.
            OutputError: If writing fails.
        """
        write = getattr(network, f"write_{file_format}", None)
        if write is None:
            other = "onnx" if file_format == "torchscript" else "torchscript"
            raise InputError(
                f"This checkpoint cannot become {file_format}: it is no torch network; export it "
                f"with --format {other}."
            )
        write(path, examples)
        return cls(path, file_format, network)

    def run(self, arrays: Arrays) -> dict[str, NDArray[np.generic]]:
        """Loads the file as a server does, and runs it on the processor.

        Raises:
            OutputError: If it does not load or run.
        """
        if self.format == "torchscript":
            return self._run_torchscript(arrays)
        try:
            return run_session(session(self.path), self.network.outputs, arrays)
        except InputError as error:
            raise OutputError(str(error)) from error

    def _run_torchscript(self, arrays: Arrays) -> dict[str, NDArray[np.generic]]:
        from export.torch_network import run_torchscript

        return run_torchscript(self.path, self.network.inputs, self.network.outputs, arrays)

    def facts(self) -> tuple[int | None, int | None]:
        """Returns the opset and the IR version; None for TorchScript.

        Raises:
            InputError: If the servers' oldest ONNX Runtime may not know them.
        """
        if self.format == "torchscript":
            return None, None
        model = parsed(self.path)
        opset = next((o.version for o in model.opset_import if o.domain in _OWN_DOMAINS), 0)
        _check_versions(model, opset)
        return opset, model.ir_version


def _check_versions(model: Any, opset: int) -> None:
    foreign = sorted({node.domain for node in model.graph.node} - set(_OWN_DOMAINS))
    if foreign:
        raise InputError(
            f"The model uses operators of {foreign[0]}, which not every server has; export it with "
            "ONNX's own operators."
        )
    if opset > MAX_OPSET or model.ir_version > MAX_IR_VERSION:
        raise InputError(
            f"The model has opset {opset} and IR version {model.ir_version}, and servers take "
            f"{MAX_OPSET} and {MAX_IR_VERSION} at most; export it again with "
            f"opset_version={MAX_OPSET}."
        )

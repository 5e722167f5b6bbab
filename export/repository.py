"""Publishing one model version: the manifest beside the model, mirrored into the served config.

`<model>/<version>/manifest.json` is what belongs to one version (hashes, feature kind, crop
geometry, licence, golden file). A remote client sees only the loaded config, so the same text
stands in `config.pbtxt` as the parameter `manifest.<version>`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

MARKER = "# Written by export: the manifest of every version."


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What belongs to one version of one model.

    Attributes:
        files: File name to sha256.
        opset: Of ONNX's own operators; None in other formats.
        ir_version: Of ONNX's file format; None in other formats.
        recipe: Command that makes the version.
        format: "onnx" or "torchscript".
        precision: "fp32" or "fp16", in which the network computes.
        feature_kind: Layout of the speech features, for models that give or take them.
        crop: Kind and numbers of the crop geometry, for models that take a crop.
        window: Sample rate, core and context in samples, for models that take speech.
        parameters: Numbers inside the graph that shape its answers, by name.
        golden: Golden file, its sha256 and the tolerance of each output.
        paste: How its picture is laid into the frame: `mode` and numbers.
        figures: What was measured when it was made, by name.
        tools: Program to the version that made it.
    """

    model: str
    version: int
    files: dict[str, str]
    opset: int | None
    ir_version: int | None
    source: str
    licence: str
    recipe: str
    format: str = "onnx"
    precision: str = "fp32"
    feature_kind: str | None = None
    crop: dict[str, object] | None = None
    window: dict[str, int] | None = None
    parameters: dict[str, float] = field(default_factory=dict)
    golden: dict[str, object] = field(default_factory=dict)
    paste: dict[str, object] | None = None
    figures: dict[str, float] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Writes it as JSON; the last three keys only where there is something to say."""
        data = asdict(self)
        for key in ("paste", "figures", "tools"):
            if not data[key]:
                del data[key]
        return json.dumps(data, indent=2) + "\n"


def sha256_of(path: Path) -> str:
    """Returns the sha256 of a file as lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_golden(
    folder: Path,
    inputs: Mapping[str, NDArray[np.generic]],
    outputs: Mapping[str, NDArray[np.generic]],
    tolerance: Mapping[str, float],
) -> dict[str, object]:
    """Writes `golden.npz` into a version folder and returns its manifest entry.

    Args:
        folder: The version folder.
        inputs: Input name to array, batch axis included.
        outputs: Output name to array, batch axis included.
        tolerance: Output name to the largest allowed absolute difference.
    """
    arrays = {f"input_{name}": value for name, value in inputs.items()}
    arrays |= {f"output_{name}": value for name, value in outputs.items()}
    path = folder / "golden.npz"
    np.savez_compressed(path, allow_pickle=False, **arrays)
    return {"file": path.name, "sha256": sha256_of(path), "tolerance": dict(tolerance)}


def write_manifest(
    folder: Path,
    *,
    source: str,
    licence: str,
    recipe: str,
    golden: dict[str, object],
    feature_kind: str | None = None,
    crop: dict[str, object] | None = None,
    window: dict[str, int] | None = None,
    parameters: Mapping[str, float] | None = None,
) -> Manifest:
    """Writes `manifest.json` for `<model>/<version>/model.onnx` and mirrors it into the config.

    Args:
        folder: The version folder; its name is the version, its parent's the model.
        source: Where the model comes from.
        licence: SPDX identifier or sentence.
        recipe: Command that makes the version.
        golden: The entry returned by `write_golden`.
        feature_kind: Layout of the speech features, if any.
        crop: Kind and numbers of the crop geometry, if any.
        window: `sample_rate`, `left_context`, `core` and `right_context` in samples, if any.
        parameters: Numbers inside the graph that shape its answers, by name, if any.
    """
    model_path = folder / "model.onnx"
    model = onnx.load(model_path)
    manifest = Manifest(
        model=folder.parent.name,
        version=int(folder.name),
        files={model_path.name: sha256_of(model_path)},
        opset=next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")),
        ir_version=model.ir_version,
        source=source,
        licence=licence,
        recipe=recipe,
        feature_kind=feature_kind,
        crop=crop,
        window=window,
        parameters=dict(parameters or {}),
        golden=golden,
    )
    (folder / "manifest.json").write_text(manifest.text(), encoding="utf-8")
    mirror_manifests(folder.parent)
    return manifest


def mirror_manifests(model_folder: Path) -> None:
    """Rewrites the manifest parameters at the end of a model's `config.pbtxt`."""
    config_path = model_folder / "config.pbtxt"
    text = config_path.read_text(encoding="utf-8")
    config_path.write_text(mirrored(text, manifests_in(model_folder)), encoding="utf-8")


def manifests_in(model_folder: Path) -> dict[int, str]:
    """Returns the text of the manifest of every version of a model."""
    return {
        int(path.parent.name): path.read_text(encoding="utf-8")
        for path in model_folder.glob("[0-9]*/manifest.json")
    }


def mirrored(config: str, manifests: Mapping[int, str]) -> str:
    """Returns a configuration's text with these manifests, by version, and no others."""
    head = config.split(MARKER)[0].rstrip()
    entries = [_parameter(text, version) for version, text in sorted(manifests.items())]
    return "\n".join([head, "", MARKER, "parameters [", ",\n".join(entries), "]", ""])


def _parameter(manifest: str, version: int) -> str:
    compact = json.dumps(json.loads(manifest))
    value = json.dumps(compact)  # a JSON string is a valid protobuf text string
    return f'  {{ key: "manifest.{version}", value: {{ string_value: {value} }} }}'

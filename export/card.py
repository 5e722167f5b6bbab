"""`MODEL_CARD.md` and `NOTICE` of an exported model: what it is, whose, and what was measured."""

from collections.abc import Iterable, Mapping, Sequence

from client.tensors import TensorSpec
from export.config_text import ServedModel
from export.parity import Figure
from export.repository import Manifest


def new_card(model: ServedModel, role: str) -> str:
    """Returns the card of a model without versions.

    Args:
        model: The model.
        role: The role that it fills.
    """
    return "\n".join(
        [
            f"# {model.name}",
            "",
            f"{' '.join(model.summary.split())} It fills the role `{role}`; "
            "[the contracts](../README.md) say what its tensors mean.",
            "",
            "| tensor | type, behind the batch axis |",
            "|---|---|",
            *_rows("input", model.inputs),
            *_rows("output", model.outputs),
            "",
            "## What it cannot do",
            "An export proves that the served network gives the checkpoint's numbers. How good "
            "they are on a face or a voice is not measured by it: look at a result "
            "(`orchestrator preview`) before you rely on it.",
            "",
        ]
    )


def version_section(manifest: Manifest, figures: Sequence[Figure]) -> str:
    """Returns the part of the card on one version."""
    return "\n".join(
        [
            f"## Version {manifest.version}",
            f"- Weights: {manifest.source}",
            f"- Licence: {manifest.licence}",
            f"- Made by: `{manifest.recipe}`",
            f"- {manifest.format}, {manifest.precision}{_opset(manifest)}; "
            f"{_pairs(manifest.tools)}",
            *_declared(manifest),
            "",
            "Largest differences between the served file and the checkpoint's own network:",
            "",
            "| part | output | compared | difference | limit |",
            "|---|---|---|---|---|",
            *(
                f"| {f.part} | `{f.output}` | {f.what} | {f.difference:.2g} | {f.limit:.2g} |"
                for f in figures
            ),
            "",
        ]
    )


def notice(manifest: Manifest) -> str:
    """Returns the part of the notice on one version."""
    return (
        f"{manifest.model}, version {manifest.version}\n"
        f"Weights: {manifest.source}\nLicence: {manifest.licence}\n"
    )


def _rows(kind: str, specs: Iterable[TensorSpec]) -> list[str]:
    return [f"| {kind} `{spec.name}` | {spec.datatype} {list(spec.shape)} |" for spec in specs]


def _opset(manifest: Manifest) -> str:
    return f", opset {manifest.opset}, IR {manifest.ir_version}" if manifest.opset else ""


def _declared(manifest: Manifest) -> list[str]:
    said: Mapping[str, object] = {
        "Feature kind": manifest.feature_kind,
        "Crop": manifest.crop,
        "Window": manifest.window,
        "Paste": manifest.paste,
        "Parameters": manifest.parameters,
        "Also measured": {k: v for k, v in manifest.figures.items() if not _is_parity(k)},
    }
    return [f"- {name}: {_written(value)}" for name, value in said.items() if value]


def _is_parity(name: str) -> bool:
    return name.startswith(("core_", "served_"))


def _written(value: object) -> str:
    return _pairs(value) if isinstance(value, Mapping) else f"`{value}`"


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())

"""One export, from the file of a checkpoint to a published version."""

import importlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from client.errors import InputError
from export.checkpoint import Checkpoint
from export.config_text import ServedModel
from export.contract import check_contract
from export.family import Build, Builder, Family
from export.model_file import BACKENDS, FILE_NAMES, ModelFile
from export.parity import CORE, SERVED, Figure, compare
from export.precision import in_precision
from export.publish import Version, check_publishable, publish
from export.recognise import check_family
from export.repository import Manifest, sha256_of, write_golden
from export.request import Request
from export.steps import Steps
from export.tools import tool_versions

# What golden outputs may be off on other machines, in multiples of what they may be off here.
_GOLDEN_SLACK = 10
_GOLDEN_LEVELS = 2


@dataclass(frozen=True)
class Result:
    """What came of it.

    Attributes:
        folder: The published version; None after a dry run.
        figures: What was compared.
    """

    folder: Path | None
    figures: Sequence[Figure]


def export(request: Request, steps: Steps) -> Result:
    """Builds, writes, compares and publishes a model.

    Raises:
        InputError: If the checkpoint, its configuration or the repository cannot be used.
        OutputError: If the written model gives other numbers, or cannot be published.
    """
    with _torch_is_asked_for(request.family):
        return _export(request, steps)


def _export(request: Request, steps: Steps) -> Result:
    checkpoint = _read(request, steps)
    with steps.step("build the network"):
        build = _build(request, checkpoint)
        request = _as_it_is(request, build)
        model = _served_model(request, build)
        check_contract(model, request.role, build)
        check_publishable(model, request.repository)
    with tempfile.TemporaryDirectory(prefix="lipsync-export-") as folder:
        return _finish(request, checkpoint, build, model, Path(folder), steps)


def _read(request: Request, steps: Steps) -> Checkpoint | None:
    family, path = request.family, request.checkpoint
    if path is None:
        if family.needs_checkpoint:
            raise InputError(
                f"{family.name} needs the weights of {family.title}: give --checkpoint FILE."
            )
        return None
    if not family.needs_checkpoint:
        raise InputError(f"{family.name} has no weights: leave --checkpoint out.")
    with steps.step("read the checkpoint"):
        checkpoint = Checkpoint.open(path, request.max_bytes)
    with steps.step("recognise it"):
        check_family(family, checkpoint)
    return checkpoint


def _build(request: Request, checkpoint: Checkpoint | None) -> Build:
    module, _, name = request.family.builder.partition(":")
    config = request.configuration()
    builder: Builder = getattr(importlib.import_module(module), name)
    # A family without weights has a builder that looks at its configuration only.
    return builder(checkpoint, config)  # type: ignore[arg-type]


@contextmanager
def _torch_is_asked_for(family: Family) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise InputError(
            f"Exporting {family.title} needs torch: "
            "uv pip install --python .venv/bin/python -e '.[export]'."
        ) from error


def _as_it_is(request: Request, build: Build) -> Request:
    """A finished model keeps its format and precision, whatever was asked for."""
    found = build.served
    return replace(
        request,
        format=getattr(found, "format", request.format),
        precision=getattr(found, "precision", request.precision),
    )


def _served_model(request: Request, build: Build) -> ServedModel:
    return ServedModel(
        name=request.model,
        backend=BACKENDS[request.format],
        file_name=FILE_NAMES[request.format],
        inputs=tuple(build.served.inputs),
        outputs=tuple(build.served.outputs),
        max_batch_size=build.max_batch_size,
        queue_delay_us=build.queue_delay_us,
        summary=build.summary,
    )


def _finish(
    request: Request,
    checkpoint: Checkpoint | None,
    build: Build,
    model: ServedModel,
    folder: Path,
    steps: Steps,
) -> Result:
    written, figures = _write_and_compare(request, build, folder, steps)
    steps.figures(figures)
    if request.is_dry_run:
        return Result(None, figures)
    with steps.step("publish"):
        golden = _golden(request, build, written)
        manifest = _manifest(request, checkpoint, build, written, figures, golden)
        version = Version(written.path.parent, model, request.role, manifest, figures)
        return Result(publish(version, request.repository), figures)


def _write_and_compare(
    request: Request, build: Build, folder: Path, steps: Steps
) -> tuple[ModelFile, list[Figure]]:
    """Writes the model into a version's folder; what it gives is that of the checkpoint."""
    final = in_precision(build, request.precision)
    version = folder / "version"
    version.mkdir()
    figures = _compare_core(request, build, final, folder, steps)
    with steps.step("write the model"):
        file = version / FILE_NAMES[request.format]
        written = ModelFile.write(final.served, file, request.format, build.examples(2))
        written.facts()
    with steps.step("compare the model"):
        limits = SERVED[request.precision]
        figures += compare("served", build.served.run, written.run, build.examples, limits)
    return written, figures


def _compare_core(
    request: Request, build: Build, final: Build, folder: Path, steps: Steps
) -> list[Figure]:
    if build.core is build.served:
        return []  # it is one network, compared as the model
    with steps.step("write the core"):
        path = folder / f"core{Path(FILE_NAMES[request.format]).suffix}"
        core = ModelFile.write(final.core, path, request.format, build.core_examples(2))
    if request.keep_core is not None:
        shutil.copyfile(path, request.keep_core)
    with steps.step("compare the core"):
        limits = CORE[request.precision]
        return compare("core", build.core.run, core.run, build.core_examples, limits)


def _golden(request: Request, build: Build, written: ModelFile) -> dict[str, object]:
    inputs = build.examples(1)
    outputs = written.run(inputs)
    limits = SERVED[request.precision]
    tolerance = {
        name: limits.of(value) * (_GOLDEN_LEVELS if value.dtype.kind == "u" else _GOLDEN_SLACK)
        for name, value in outputs.items()
    }
    return write_golden(written.path.parent, inputs, outputs, tolerance)


def _manifest(
    request: Request,
    checkpoint: Checkpoint | None,
    build: Build,
    written: ModelFile,
    figures: Sequence[Figure],
    golden: dict[str, object],
) -> Manifest:
    opset, ir_version = written.facts()
    return Manifest(
        model="",
        version=0,
        files={},
        opset=opset,
        ir_version=ir_version,
        source=_source(checkpoint, build),
        licence=build.licence,
        recipe=request.recipe,
        format=request.format,
        precision=request.precision,
        feature_kind=build.feature_kind,
        crop=_optional(build.crop),
        window=dict(build.window) if build.window is not None else None,
        parameters=dict(build.parameters),
        golden=golden,
        paste=_optional(build.paste),
        figures={**build.figures, **{figure.key: figure.difference for figure in figures}},
        tools=tool_versions(),
    )


def _optional(values: Mapping[str, object] | None) -> dict[str, object] | None:
    return dict(values) if values is not None else None


def _source(checkpoint: Checkpoint | None, build: Build) -> str:
    if checkpoint is None:
        return build.source
    return f"{build.source} ({checkpoint.path.name}, sha256 {sha256_of(checkpoint.path)})"

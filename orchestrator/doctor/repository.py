"""The model repository: which models and versions it has, and whether their files are whole."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from client.errors import InputError
from orchestrator.doctor.finding import Finding, ok, warning, wrong
from orchestrator.server.models import choose_models
from orchestrator.server.runtime import CHECKOUT

HASHED_BYTES = 2**30  # of one model: a second or two; what is beyond is not read
_RESTORE = "Restore the folder from the project, or publish the version again."


def check_repository(repository: Path | None = None) -> list[Finding]:
    """Looks at every version of every model.

    Args:
        repository: The model repository; by default the project's own.
    """
    try:
        folder = repository or _own_repository()
        names = choose_models(folder)
    except InputError as error:
        return [wrong("model repository", "cannot be used", str(error))]
    found = ok("model repository", f"{folder}: {len(names)} models")
    return [found, *(_model(folder / name) for name in names)]


def _own_repository() -> Path:
    try:
        from orchestrator.settings import home
    except ImportError:  # a package that reads settings is missing here
        return CHECKOUT / "model_repository"
    return home() / "model_repository"


def _model(folder: Path) -> Finding:
    subject = f"model {folder.name}"
    versions = sorted(
        (p for p in folder.iterdir() if p.name.isdecimal()), key=lambda p: int(p.name)
    )
    if not versions:
        return wrong(subject, "has no version", _RESTORE)
    small = _size(folder) <= HASHED_BYTES
    problems = [
        f"version {v.name}: {problem}" for v in versions for problem in _problems(v, hashed=small)
    ]
    if problems:
        return wrong(subject, "; ".join(problems), _RESTORE)
    found = f"version {', '.join(version.name for version in versions)}"
    if not small:
        return warning(
            subject, f"{found}, too large to be read here", "Compare its sha256 yourself."
        )
    return ok(subject, f"{found}, files are what the manifests say")


def _problems(version: Path, *, hashed: bool) -> Iterator[str]:
    """What is wrong with the files of one version, as clauses."""
    try:
        promised = _promised(version / "manifest.json")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        yield f"manifest.json cannot be read ({type(error).__name__}: {error})"
        return
    for name, digest in promised.items():
        path = version / name
        if not path.is_file():
            yield f"{name} is missing"
        elif hashed and _digest(path) != digest:
            yield f"{name} is not the file of the manifest (its sha256 differs)"


def _promised(manifest: Path) -> dict[str, str]:
    """File name to sha256, as a manifest says."""
    content = json.loads(manifest.read_text(encoding="utf-8"))
    golden = content.get("golden")
    return dict(content["files"]) | ({golden["file"]: golden["sha256"]} if golden else {})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

"""Folders and files: what Triton takes for a model or a version, and what breaks when moved."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from orchestrator.validation.files import (
    MAX_ENTRIES,
    entries_of,
    is_folder,
    is_inside,
    is_open,
    tree_of,
)
from orchestrator.validation.finding import Finding, error, listed, warning
from orchestrator.validation.repository import Model, Repository, has_config, is_version

MAX_NAME = 100
TRITON_FOLDERS = ("configs", "initial_state", "warmup")  # beside the versions, known to Triton
LEFTOVERS = ("*.swp", "*.swo", "*~", ".#*", "#*#", ".DS_Store", "*.bak", "*.orig", "*.tmp", "*.rej")

_SAFE = re.compile(r"[A-Za-z0-9_.-]+")
_LEADING_NUMBER = re.compile(r"\s*[+-]?\d+")


def folders_without_config(repository: Repository) -> Iterator[Finding]:
    """Every folder is a model to Triton, be it hidden or empty."""
    others = []
    for folder in repository.folders:
        if not is_open(folder):
            yield closed_folder(folder.name)
        elif not has_config(folder) and _has_version(folder):
            sentence = "The folder has versions and no config.pbtxt, so it is not served."
            mend = "Write its config.pbtxt, complete."
            yield error("config-missing", folder.name, sentence, mend)
        elif not has_config(folder):
            others.append(folder.name)
    if others:
        yield warning(
            "folder-no-model",
            others[0] if len(others) == 1 else ".",
            "A Triton server that loads a whole repository ends at a folder that is no model: "
            f"{listed(others)}.",
            "Move it out of the repository.",
        )


def model_name(model: Model) -> Iterator[Finding]:
    """Names are written into shell lines and paths."""
    if not _SAFE.fullmatch(model.name):
        yield error(
            "model-name",
            model.name,
            "The embedded server cannot serve a folder with this name: its processes are started "
            "through a shell.",
            "Rename it to letters, digits, dots, dashes and underscores.",
        )
    elif len(model.name) > MAX_NAME:
        yield warning(
            "model-name",
            model.name,
            f"The name has {len(model.name)} characters, and it is in every path, log line and "
            "metric.",
            f"Rename it to {MAX_NAME} characters at most.",
        )


def version_names(model: Model) -> Iterator[Finding]:
    """Triton reads a folder's name as far as it is a number."""
    for path in entries_of(model.folder):
        if not is_folder(path) or is_version(path.name) or path.name in TRITON_FOLDERS:
            continue
        yield _version_name(model.place(path), path.name)


def symbolic_links(model: Model) -> Iterator[Finding]:
    """A link has to lead to the same file wherever the repository is mounted."""
    for path in [model.folder, *tree_of(model.folder)]:
        if path.is_symlink():
            yield from _link(model, path)


def leftovers(model: Model) -> Iterator[Finding]:
    """Whatever changes in a model's folder makes Triton load the model again."""
    for path in tree_of(model.folder):
        if is_leftover(path.name) and not is_folder(path):
            yield warning(
                "leftover",
                model.place(path),
                "An editor or a copy left this file here, and it makes Triton load the model again "
                "where nothing else has changed.",
                "Remove it.",
            )


def backend_libraries(model: Model) -> Iterator[Finding]:
    """Triton looks for a backend in the model's own folders first."""
    for path in tree_of(model.folder):
        if fnmatch(path.name, "libtriton_*.so"):
            yield error(
                "backend-library",
                model.place(path),
                "Triton loads this library in the place of its own backend.",
                "Remove it; the servers have their backends.",
            )


def stray_code(model: Model) -> Iterator[Finding]:
    """A model.py is a python model; beside another model it waits for somebody to set runtime."""
    config = model.config.value
    if config is None or config.backend == "python":
        return
    for path in tree_of(model.folder):
        if path.name == "model.py":
            yield warning(
                "stray-code",
                model.place(path),
                f"The backend {config.backend or 'of an ensemble'} does not run this file, but it "
                "does with runtime set.",
                "Remove it, or serve the model with the python backend.",
            )


def documents(model: Model) -> Iterator[Finding]:
    """Whoever serves a model has to know what it is and whose."""
    if not (model.folder / "MODEL_CARD.md").is_file():
        yield warning(
            "model-card",
            f"{model.name}/MODEL_CARD.md",
            "The model has no card, so nobody knows what it can and cannot do.",
            "Write MODEL_CARD.md: what it is, how good it is, what it cannot do.",
        )
    if not (model.folder / "NOTICE").is_file() and _needs_notice(model):
        yield warning(
            "notice",
            f"{model.name}/NOTICE",
            f"The licence of the model ({_licences(model)}) asks for a notice of its makers.",
            "Write NOTICE: where the model comes from and under which licence.",
        )


def size(model: Model) -> Iterator[Finding]:
    """A folder that holds everything is no model's."""
    if sum(1 for _ in tree_of(model.folder)) >= MAX_ENTRIES:
        yield error(
            "model-size",
            model.name,
            f"The folder holds {MAX_ENTRIES} files and more; only so many are looked at.",
            "Keep only config.pbtxt, the card, the notice and the versions in it.",
        )


def closed_folder(place: str) -> Finding:
    """The finding of a folder that cannot be looked into."""
    sentence = "The folder cannot be looked into (Permission denied)."
    return error("unreadable", place, sentence, "Let everybody read it.")


def is_leftover(name: str) -> bool:
    """Whether a file looks like one that a program left behind."""
    return any(fnmatch(name, pattern) for pattern in LEFTOVERS)


def _has_version(folder: Path) -> bool:
    return any(is_version(path.name) and is_folder(path) for path in entries_of(folder))


def _version_name(place: str, name: str) -> Finding:
    if name.isdecimal() and (len(name) == 1 or not name.startswith("0")):
        return error(
            "version-name",
            place,
            "The number is larger than 2^63 - 1, and Triton aborts while it reads it.",
            "Give the version a smaller number.",
        )
    if _LEADING_NUMBER.match(name) and not name.startswith("0"):
        number = int(_LEADING_NUMBER.match(name)[0])  # type: ignore[index]
        return error(
            "version-name",
            place,
            f"Triton takes this folder for version {number}: it reads a name as far as it is a "
            "number.",
            "Move it out of the model, or give it a name that begins with a letter.",
        )
    why = "a number with zeros before it" if name.isdecimal() else "not a number"
    return warning(
        "version-name",
        place,
        f"Triton passes this folder over: its name is {why}.",
        "Name a version 1, 2, 3 and so on; move anything else out of the model.",
    )


def _link(model: Model, path: Path) -> Iterator[Finding]:
    place = model.place(path)
    if not path.exists():
        yield error("link", place, "The link leads nowhere.", "Put the file itself there.")
    elif not is_inside(path, model.repository):
        yield error(
            "link",
            place,
            "The link leads out of the repository, and is broken where only that is mounted, such "
            "as in a container.",
            "Put the file itself there.",
        )
    elif path.readlink().is_absolute():
        yield error(
            "link",
            place,
            "The link names a path of this machine, and is broken where the repository is mounted "
            "elsewhere.",
            "Make it a relative link, or put the file itself there.",
        )


def _licences(model: Model) -> str:
    documents = [version.manifest.value for version in model.versions]
    found = {str(d.data.get("licence") or "").strip() for d in documents if d is not None}
    return ", ".join(sorted(found - {""}))


def _needs_notice(model: Model) -> bool:
    return _licences(model) not in ("", "CC0-1.0", "Unlicense", "0BSD")

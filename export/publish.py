"""Publishing a version into a model repository: all of it at once, beside what is served.

The order is such that a process that is killed anywhere leaves a repository that serves what it
served before: a new model appears whole by one rename. A new version of a model is first told in
`config.pbtxt`, which servers ignore, then appears whole by a rename, and only then is served.
"""

import errno
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from client.errors import InputError
from export import card
from export.config_text import (
    CONFIG_NAME,
    ServedModel,
    differences,
    policy_versions,
    read_config,
    read_text,
    serving,
)
from export.parity import Figure
from export.repository import MARKER, Manifest, manifests_in, mirrored, sha256_of
from export.staging import locked, remove_abandoned, staged, write_whole

CARD, NOTICE, MANIFEST = "MODEL_CARD.md", "NOTICE", "manifest.json"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY)


@dataclass(frozen=True)
class Version:
    """A version that is ready to be published.

    Attributes:
        folder: Holds its files, the model and the golden file; not yet in a repository.
        model: What the model is.
        role: The role that it fills.
        manifest: What is to be said of it; number and hashes of files are filled in here.
        figures: What was compared.
    """

    folder: Path
    model: ServedModel
    role: str
    manifest: Manifest
    figures: Sequence[Figure]


def check_publishable(model: ServedModel, repository: Path) -> None:
    """Checks, before any work is done, that a model can become the next version there.

    Raises:
        InputError: If its name is none, or the repository has another model of that name.
    """
    if not _NAME.fullmatch(model.name):
        raise InputError(
            f"A model cannot be called {model.name!r}; give a --model-name of letters, digits, "
            "dots, dashes and underscores."
        )
    if repository.exists() and not repository.is_dir():
        raise InputError(f"{repository} is no folder; name a model repository.")
    folder = repository / model.name
    if not folder.exists():
        return
    if not (folder / CONFIG_NAME).is_file():
        raise InputError(f"{folder} is no model (no {CONFIG_NAME}); give another --model-name.")
    found = differences(model, read_config(folder))
    if found:
        raise InputError(
            f"{folder} is another model ({'; '.join(found)}); give another --model-name, and name "
            "it in a profile."
        )


def publish(version: Version, repository: Path) -> Path:
    """Adds a version to a repository, the next one that is free, and has it served.

    Returns:
        Its folder.

    Raises:
        InputError: If the repository has another model of that name.
        OutputError: If the repository cannot be written.
    """
    with locked(repository):
        check_publishable(version.model, repository)
        folder = repository / version.model.name
        remove_abandoned(repository)
        return _extend(version, folder) if folder.exists() else _create(version, folder)


def _create(version: Version, folder: Path) -> Path:
    with staged(folder.parent) as stage:
        manifest = _fill(version, stage / "1", version.model.file_name, 1)
        config = mirrored(version.model.text(1), {1: manifest.text()})
        (stage / CONFIG_NAME).write_text(config, encoding="utf-8")
        text = card.new_card(version.model, version.role)
        section = card.version_section(manifest, version.figures)
        (stage / CARD).write_text(f"{text}\n{section}", encoding="utf-8")
        (stage / NOTICE).write_text(card.notice(manifest), encoding="utf-8")
        stage.rename(folder)
    return folder / "1"


def _extend(version: Version, folder: Path) -> Path:
    text = _pinned(read_text(folder), folder)
    file_name = read_config(folder).file_name or version.model.file_name
    number = max(_present(folder) | policy_versions(text, folder), default=0) + 1
    with staged(folder) as stage:
        while True:
            manifest = _fill(version, stage / "version", file_name, number)
            manifests = {**manifests_in(folder), number: manifest.text()}
            write_whole(folder / CONFIG_NAME, mirrored(text, manifests))
            if _moved(stage / "version", folder / str(number)):
                break
            number += 1
    _append(folder / CARD, f"# {folder.name}\n", card.version_section(manifest, version.figures))
    _append(folder / NOTICE, "", card.notice(manifest))
    write_whole(folder / CONFIG_NAME, mirrored(serving(text, number, folder), manifests))
    return folder / str(number)


def _present(folder: Path) -> set[int]:
    return {int(path.name) for path in folder.iterdir() if path.name.isdecimal()}


def _pinned(text: str, folder: Path) -> str:
    """A configuration without manifests that goes on serving what it serves when versions come."""
    head = text.split(MARKER)[0]
    newest = max(_present(folder), default=0)
    if policy_versions(head, folder) or newest == 0:
        return head
    return serving(head, newest, folder)


def _append(path: Path, head: str, section: str) -> None:
    text = path.read_text(encoding="utf-8") if path.exists() else head
    write_whole(path, f"{text.rstrip()}\n\n{section}".lstrip())


def _fill(version: Version, folder: Path, file_name: str, number: int) -> Manifest:
    """Puts a version's files into a folder, with their manifest."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(version.folder, folder)
    (folder / version.model.file_name).rename(folder / file_name)
    golden = version.manifest.golden.get("file")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != golden)
    hashes = {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}
    manifest = replace(version.manifest, model=version.model.name, version=number, files=hashes)
    (folder / MANIFEST).write_text(manifest.text(), encoding="utf-8")
    return manifest


def _moved(stage: Path, folder: Path) -> bool:
    """Whether a folder took its place, which somebody without the lock may have taken before."""
    try:
        stage.rename(folder)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True

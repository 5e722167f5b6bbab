"""Manifests: every file of a version is the one that was published, and clients know of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.validation.config import MIRROR, Config
from orchestrator.validation.files import (
    UnreadableError,
    is_folder,
    leads_out,
    tree_of,
    unreadable,
)
from orchestrator.validation.finding import Finding, error, warning
from orchestrator.validation.layout import is_leftover
from orchestrator.validation.manifest_file import MANIFEST_NAME, PUBLISH, Document, is_sha256
from orchestrator.validation.onnx_file import OnnxFile
from orchestrator.validation.repository import Model, Version

_CHANGED = "Restore the file, or publish the version again."


def readable(version: Version) -> Iterator[Finding]:
    """Without a manifest nobody can tell what a version is."""
    yield from version.manifest.faults


def identity(version: Version) -> Iterator[Finding]:
    """A manifest belongs to one version of one model."""
    document, config = version.manifest.value, version.model.config.value
    if document is None:
        return
    names = {version.model.name, str(config.message.name) if config is not None else ""}
    said, number = document.data.get("model"), document.data.get("version")
    if said not in names:  # that the configuration has another name is told by another rule
        sentence = f"The manifest is of the model {said}, not of {version.model.name}."
        yield document.finding("manifest-identity", "model", sentence)
    if number != int(version.name) or isinstance(number, bool):
        sentence = f"The manifest is of version {number}, not of {version.name}."
        yield document.finding("manifest-identity", "version", sentence)


def licence(version: Version) -> Iterator[Finding]:
    """Weights without a licence are nobody's to serve."""
    document = version.manifest.value
    if document is not None and not str(document.data.get("licence") or "").strip():
        sentence, mend = "The version has no licence.", "Write its SPDX identifier and publish it."
        yield document.finding("licence", "licence", sentence, mend)


def entries(version: Version) -> Iterator[Finding]:
    """Files are listed by bare names, with the hex that sha256sum prints."""
    document = version.manifest.value
    if document is None:
        return
    files = document.data.get("files")
    if not isinstance(files, dict) or not files:
        yield document.finding("manifest-files", "files", "The manifest lists no files.")
        return
    for name, digest in files.items():
        if leads_out(name):
            sentence = f"The manifest lists {name}, which is outside of the version."
            yield document.finding("manifest-files", name, sentence)
        elif not is_sha256(digest):
            sentence = f"The manifest has no sha256 of {name}."
            yield document.finding("manifest-files", name, sentence)


def files(version: Version) -> Iterator[Finding]:
    """Every listed file is there, and the very one."""
    document = version.manifest.value
    if document is None:
        return
    for name in document.hashes:
        if (version.path / name).is_file():
            yield from _hash(version, document, name)
        elif name != version.file_name:  # that one is missed by another rule
            sentence = f"The manifest lists {name}, which is missing."
            yield document.finding("manifest-files", name, sentence, _CHANGED)


def unlisted(version: Version) -> Iterator[Finding]:
    """A file that the manifest does not know is not checked by anybody."""
    document = version.manifest.value
    if document is None or not document.hashes:
        return
    known = {*document.hashes, MANIFEST_NAME, document.golden.get("file")}
    for path in tree_of(version.path):
        name = path.relative_to(version.path).as_posix()
        if name in known or is_folder(path) or _has_own_rule(path):
            continue
        yield error(
            "manifest-unlisted",
            version.place(name),
            "The manifest does not list this file.",
            f"Remove it. {PUBLISH[:-1]} if it belongs to the version.",
        )


def onnx_facts(version: Version) -> Iterator[Finding]:
    """What the manifest says of its file is so."""
    document, network = version.manifest.value, version.network.value
    if document is None or not isinstance(network, OnnxFile):
        return
    if not version.is_as_promised(version.file_name):
        return
    for key, found in (("opset", network.opset), ("ir_version", network.ir_version)):
        said = document.data.get(key)
        if said != found:
            sentence = f"The manifest says {key} {said}, and {version.file_name} has {found}."
            yield document.finding("manifest-onnx", key, sentence)


def mirror(version: Version) -> Iterator[Finding]:
    """Clients elsewhere read the manifest in the loaded configuration."""
    document, config = version.manifest.value, version.model.config.value
    if document is None or config is None:
        return
    key = MIRROR + version.name
    text = config.mirrors.get(version.name)
    if text is None:
        yield error(
            "mirror",
            config.place,
            f"The parameter {key} is missing, so no client can use version {version.name}.",
            PUBLISH,
        )
    elif _parsed(text) != document.data:
        sentence = f"The parameter {key} is not what {version.place(MANIFEST_NAME)} says."
        yield error("mirror", config.place, sentence, PUBLISH, config.parameter_line(key))


def stale_mirrors(model: Model, config: Config) -> Iterator[Finding]:
    """A manifest of a version that is gone."""
    present = {version.name for version in model.versions}
    wanted = {str(version) for version in config.policy_versions or ()}
    for version in config.mirrors:
        if version not in present | wanted:
            yield warning(
                "mirror",
                config.place,
                f"The parameter {MIRROR}{version} is of a version that has no folder.",
                "Remove the parameter, or add the version.",
                config.parameter_line(MIRROR + version),
            )


def _hash(version: Version, document: Document, name: str) -> Iterator[Finding]:
    if name == version.file_name and version.network.faults:
        return  # what is no model is not the right one
    try:
        found = version.digest(name)
    except UnreadableError as failure:
        yield unreadable("manifest-hash", version.place(name), failure)
        return
    if found is None:
        yield warning(
            "manifest-hash",
            version.place(name),
            "The file is too large for its sha256 to be computed here.",
            f"Compare it with sha256sum: {document.hashes[name]}.",
        )
    elif found != document.hashes[name]:
        yield error(
            "manifest-hash",
            version.place(name),
            "The file is not the one that the manifest lists: its sha256 begins with "
            f"{found[:12]}, not {document.hashes[name][:12]}.",
            _CHANGED,
        )


def _has_own_rule(path: Path) -> bool:
    is_library = path.name.startswith("libtriton_") and path.name.endswith(".so")
    is_broken_link = path.is_symlink() and not path.exists()
    return is_library or is_broken_link or path.name == "model.py" or is_leftover(path.name)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

"""The weight files of an installation, known by their structure; none of them is loaded or run."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from client.errors import InputError
from export.families import families
from export.family import Family
from export.structure import OnnxTensor, Structure

SUFFIXES = frozenset({".pt", ".pth", ".ckpt", ".onnx"})
MAX_FILES = 1_000
_NOT_LOOKED_INTO = frozenset({"site-packages", "node_modules", "__pycache__"})

_UNUSED = (
    ("a head pose network (WHENet)", (3, 224, 224), 66),
    ("a face attribute network", (3, 512, 512), 10),
    ("a face parsing network (BiSeNet)", (3, 512, 512), 19),
    ("a face segmentation network (XSeg)", (256, 256, 3), 1),
)
"""What such installations hold and this project needs none of: name, input, extent in an output."""


@dataclass(frozen=True)
class Weights:
    """One weight file.

    Attributes:
        path: Where it is.
        size_bytes: Its size.
        family: Who can export it; None if nobody can, or nobody has to.
        title: What it is, or why that cannot be told.
    """

    path: Path
    size_bytes: int
    family: Family | None
    title: str


def weight_files(root: Path) -> list[Path]:
    """Returns the files under a folder that may hold weights, in order; links are not followed.

    Raises:
        InputError: If there is no such folder, or none or too many of them.
    """
    if not root.is_dir():
        raise InputError(f"{root} is no folder: name the one that holds the installation.")
    found = sorted(_walk(root))
    if not found:
        raise InputError(
            f"No file under {root} ends with {', '.join(sorted(SUFFIXES))}: name the folder that "
            "holds the weights."
        )
    if len(found) > MAX_FILES:
        raise InputError(
            f"{root} holds {len(found)} files that may be weights, more than {MAX_FILES}: name the "
            "folder of the installation itself."
        )
    return found


def look_at(paths: list[Path], seen: Callable[[], None]) -> list[Weights]:
    """Recognises files; calls `seen` after each."""
    weights = []
    for path in paths:
        weights.append(recognised(path))
        seen()
    return weights


def recognised(path: Path) -> Weights:
    """Tells what a file is, from its structure alone."""
    size_bytes = path.stat().st_size
    try:
        structure = Structure.read(path)
    except InputError as error:
        return Weights(path, size_bytes, None, str(error))
    for family in families():
        # Who adopts any file, into whatever role, does not tell what it is.
        if family.role and family.needs_checkpoint and family.recognises(structure):
            return Weights(path, size_bytes, family, family.title)
    return Weights(path, size_bytes, None, _unused(structure) or "of no family that is known")


def _walk(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        names[:] = [n for n in names if n not in _NOT_LOOKED_INTO and not n.startswith(".")]
        for name in files:
            path = Path(folder, name)
            if path.suffix in SUFFIXES and path.is_file() and not path.is_symlink():
                yield path


def _unused(structure: Structure) -> str | None:
    for title, picture, extent in _UNUSED:
        if _takes(structure.onnx_inputs, picture) and _gives(structure.onnx_outputs, extent):
            return f"{title}; nothing here needs one"
    return None


def _takes(inputs: tuple[OnnxTensor, ...], picture: tuple[int, ...]) -> bool:
    return any(tuple(tensor.shape[1:]) == picture for tensor in inputs)


def _gives(outputs: tuple[OnnxTensor, ...], extent: int) -> bool:
    return any(extent in tensor.shape[1:] for tensor in outputs)

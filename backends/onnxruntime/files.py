"""The files of a model: the graph, and libraries of operators."""

import os
from pathlib import Path, PurePosixPath

GRAPH = "model.onnx"


def model_file(version_folder: Path, file_name: str) -> Path:
    """Returns where the graph is; a name of a folder stands for `model.onnx` in it.

    Args:
        version_folder: Folder of the model's version.
        file_name: `default_model_filename`, inside of it.

    Raises:
        ValueError: If there is no such file that can be read, or it would lie elsewhere.
    """
    where = f"{version_folder.name}/{file_name}"
    if not _is_inside(file_name):
        raise ValueError(
            f"default_model_filename is {file_name!r} in config.pbtxt; name a file inside the "
            "version's folder"
        )
    path = version_folder / file_name
    if path.is_dir():
        path, where = path / GRAPH, f"{where}/{GRAPH}"
    if not path.is_file():
        raise ValueError(
            f"{where} is missing; export the model, or correct default_model_filename in "
            "config.pbtxt"
        )
    if not os.access(path, os.R_OK):
        raise ValueError(f"{where} cannot be read; let the server's user read it")
    return path


def op_library(version_folder: Path, name: str) -> Path:
    """Returns a library of operators from the version's folder, or else from the model's.

    Raises:
        ValueError: If it is in neither.
    """
    model_folder = version_folder.parent
    for folder in (version_folder, model_folder):
        path = (folder / name).resolve()
        if path.is_file() and path.is_relative_to(model_folder.resolve()):
            return path
    raise ValueError(
        f"op_library_filename names {name!r} in config.pbtxt, which is not in the model's folder; "
        "put the library there, or correct the name"
    )


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts

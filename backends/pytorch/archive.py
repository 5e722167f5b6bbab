"""The file of a TorchScript model.

It is an archive of weights and of code in a language of its own, which torch's interpreter runs;
unlike what `torch.save` writes, nothing in it is unpickled by Python.
"""

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

DEFAULT_NAME = "model.pt"
WEIGHTS_FOLDER = "data"

_LOCAL_HEADER_BYTES = 30
_LENGTHS_AT = 26  # of the file's name, and of what follows it


def model_file(version_folder: Path, file_name: str) -> Path:
    """Returns the file of a version.

    Args:
        version_folder: Folder of the model's version.
        file_name: `default_model_filename`, inside of it; empty for `model.pt`.

    Raises:
        ValueError: If there is no such file, or it lies elsewhere.
    """
    name = file_name or DEFAULT_NAME
    path = version_folder / name
    if not path.resolve().is_relative_to(version_folder.resolve()):
        raise ValueError(
            f"{version_folder.name}/{name} lies outside of the version's folder; put the file "
            "itself there, or correct default_model_filename in config.pbtxt"
        )
    if not path.is_file():
        raise ValueError(
            f"{version_folder.name}/{name} is missing; export the model, or correct "
            "default_model_filename in config.pbtxt"
        )
    return path


def weights_in(path: Path) -> Iterator[tuple[int, int]]:
    """Yields offset and size, in bytes, of every tensor's data as it lies in the file."""
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for entry in archive.infolist():
            folder = Path(entry.filename).parent.name
            if folder == WEIGHTS_FOLDER and entry.compress_type == zipfile.ZIP_STORED:
                file.seek(entry.header_offset + _LENGTHS_AT)
                name_bytes, extra_bytes = struct.unpack("<HH", file.read(4))
                start = entry.header_offset + _LOCAL_HEADER_BYTES + name_bytes + extra_bytes
                yield start, entry.file_size

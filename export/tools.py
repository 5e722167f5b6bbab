"""The programs that made a version."""

from importlib import metadata

_PACKAGES = ("lipsync", "torch", "onnx", "onnxruntime")


def tool_versions() -> dict[str, str]:
    """Returns name and version of what is installed of the programs that take part in an export."""
    found = {name: _version(name) for name in _PACKAGES}
    return {name: version for name, version in found.items() if version}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""

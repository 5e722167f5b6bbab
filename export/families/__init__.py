"""The registry of the families."""

import importlib
import importlib.util

from export.family import Family

NAMES = (
    "wenet",
    "dinet-v1",
    "dinet",
    "wav2lip",
    "wav2lip-mel",
    "scrfd",
    "pfpld",
    "pfld",
    "restoration",
    "adopt",
)


def family(name: str) -> Family:
    """Returns one family; only its own package is imported."""
    package = importlib.import_module(f"export.families.{name.replace('-', '_')}")
    found: Family = package.FAMILY
    return found


def families() -> list[Family]:
    """Returns all families, in the order in which files are offered to them."""
    return [family(name) for name in NAMES if _is_there(name)]


def _is_there(name: str) -> bool:
    found = importlib.util.find_spec(f"export.families.{name.replace('-', '_')}")
    return found is not None and found.origin is not None

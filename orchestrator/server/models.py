"""The models of a repository folder."""

import re
from collections.abc import Sequence
from pathlib import Path

from client.errors import InputError

CONFIG_NAME = "config.pbtxt"

# The server starts its stubs through a shell, with the model's folder in the line.
_SAFE_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def choose_models(repository: Path, wanted: Sequence[str] | None = None) -> list[str]:
    """Returns the models to serve: the wanted ones, or all.

    Raises:
        InputError: If the folder is no model repository or lacks a wanted model.
    """
    if not repository.is_dir():
        raise InputError(f"There is no model repository at {repository}: correct the path.")
    names = sorted(path.parent.name for path in repository.glob(f"*/{CONFIG_NAME}"))
    if not names:
        raise InputError(
            f"{repository} is no model repository (no <model>/{CONFIG_NAME} in it): correct the "
            "path."
        )
    missing = sorted(set(wanted or ()) - set(names))
    if missing:
        raise InputError(
            f"The model repository {repository} lacks {', '.join(missing)}: it has "
            f"{', '.join(names)}."
        )
    chosen = list(wanted) if wanted else names
    _check_names(repository, chosen)
    return chosen


def _check_names(repository: Path, names: Sequence[str]) -> None:
    for name in names:
        if not _SAFE_NAME.fullmatch(name):
            raise InputError(
                f"The model folder {name!r} in {repository} cannot be served: rename it to "
                "letters, digits, dots, dashes and underscores."
            )

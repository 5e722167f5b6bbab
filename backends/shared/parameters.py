"""Values of `parameters`, which are text, as the native backends read them."""

import re
from collections.abc import Mapping

_WHOLE = re.compile(r"\s*([+-]?\d+)", re.ASCII)
_YES = {"true", "on", "1"}
_NO = {"false", "off", "0"}


def read_whole(values: Mapping[str, str], name: str, default: int = 0) -> int:
    """Returns a whole number; like the native backends, it minds only the beginning of the text.

    Raises:
        ValueError: If the text begins with none.
    """
    if name not in values:
        return default
    found = _WHOLE.match(values[name])
    if found is None:
        raise ValueError(f"{name} is {values[name]!r} in config.pbtxt; write a whole number")
    return int(found[1])


def read_switch(values: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Returns whether something is on.

    Raises:
        ValueError: If the text says neither yes nor no.
    """
    if name not in values:
        return default
    text = values[name].lower()
    if text not in _YES | _NO:
        raise ValueError(f"{name} is {values[name]!r} in config.pbtxt; write true or false")
    return text in _YES

"""Which argument and which result of `forward()` a tensor of the configuration is.

TorchScript does not name results, and names of arguments are often not what a service wants. So
the native backend reads names in one of three ways, for inputs and outputs by themselves:

- inputs only: every name is an argument of `forward()`;
- in every name, what follows the first two underscores is a number, such as in `INPUT__0`: that is
  its place;
- else the order of the configuration is that of `forward()`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

_MARK = "__"


@dataclass(frozen=True)
class Places:
    """Where the tensors go.

    Attributes:
        by_name: Index of the argument or result, by the tensor's name.
        manner: How the names were read, in words.
    """

    by_name: dict[str, int]
    manner: str


def input_places(names: Sequence[str], arguments: Sequence[str]) -> Places:
    """Returns which argument each input is."""
    if set(names) <= set(arguments):
        return Places({name: arguments.index(name) for name in names}, "by argument name")
    return _by_number(names) or _by_order(names)


def output_places(names: Sequence[str]) -> Places:
    """Returns which result each output is."""
    return _by_number(names) or _by_order(names)


def place_in(name: str) -> int | None:
    """Returns the number in a name such as `INPUT__0`, None without one; no digits count as 0."""
    _, mark, digits = name.partition(_MARK)
    is_place = mark and all("0" <= digit <= "9" for digit in digits)
    return int(digits or 0) if is_place else None


def _by_number(names: Sequence[str]) -> Places | None:
    places = {name: place_in(name) for name in names}
    known = {name: place for name, place in places.items() if place is not None}
    return Places(known, "by the number in their names") if len(known) == len(places) else None


def _by_order(names: Sequence[str]) -> Places:
    return Places({name: place for place, name in enumerate(names)}, "in the order of config.pbtxt")

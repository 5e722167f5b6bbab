"""What a file of a restoration network does not tell of itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from client.errors import InputError

_ORDERS = ("rgb", "bgr")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The `--config` of a restoration network.

    The defaults are those of GFPGAN and CodeFormer.

    Attributes:
        input_range: What the network takes for black and for white, and gives for them.
        order: Order of its channels, "rgb" or "bgr".
        fidelity: 0..1, how closely CodeFormer's picture follows the one it is given; the least is
            the most beautiful, and looks least like the person.
    """

    input_range: tuple[float, float] = (-1.0, 1.0)
    order: str = "rgb"
    fidelity: float = 0.7


def read_settings(config: Mapping[str, object]) -> Settings:
    """Reads the configuration.

    Raises:
        InputError: If a key is unknown or a value is not possible.
    """
    known = Settings.__dataclass_fields__
    for key in config:
        if key not in known:
            raise InputError(
                f"The configuration has the key {key!r}, which restoration does not know; "
                f"it takes {', '.join(known)}."
            )
    return Settings(
        input_range=_range(config.get("input_range", Settings.input_range)),
        order=_order(config.get("order", Settings.order)),
        fidelity=_fidelity(config.get("fidelity", Settings.fidelity)),
    )


def _range(value: object) -> tuple[float, float]:
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value)):
        black, white = float(value[0]), float(value[1])
        if black < white:
            return black, white
    raise InputError(
        f"input_range is {value!r} in the configuration; write the values of black and white, "
        "such as [-1, 1] or [0, 1]."
    )


def _order(value: object) -> str:
    if isinstance(value, str) and value in _ORDERS:
        return value
    raise InputError(f"order is {value!r} in the configuration; it can be rgb or bgr.")


def _fidelity(value: object) -> float:
    if _is_number(value) and 0 <= float(str(value)) <= 1:
        return float(str(value))
    raise InputError(f"fidelity is {value!r} in the configuration; it is a number from 0 to 1.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

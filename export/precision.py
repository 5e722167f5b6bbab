"""Networks that compute in float16, between tensors that stay as they are."""

from dataclasses import replace
from typing import Any, Literal

from client.errors import InputError
from export.family import Build, Network

Precision = Literal["fp32", "fp16"]


def in_precision(build: Build, precision: Precision) -> Build:
    """Returns a build whose core computes in this precision.

    Raises:
        InputError: If its kind of network has no float16 form here.
    """
    if precision == getattr(build.served, "precision", "fp32"):
        return build
    served = _halved(build.served)
    core = served if build.core is build.served else _halved(build.core)
    return replace(build, served=served, core=core)


def _halved(network: Network) -> Network:
    in_half: Any = getattr(network, "in_half", None)
    if in_half is None:
        raise InputError(
            "A finished model is published as it is, and has no float16 form here; convert it "
            "before, or leave --precision out."
        )
    halved: Network = in_half()
    return halved

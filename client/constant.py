"""Inputs that stay the same for many calls, such as the reference frames of a face."""

from collections.abc import Mapping
from dataclasses import dataclass

from client.tensors import Array


@dataclass(frozen=True, eq=False)
class Constant:
    """Some inputs of a model, given once and named in every call that uses them.

    Two constants are the same only if they are one object: calls with the same one can share a
    request, and on one host it is put into shared memory once.

    Attributes:
        inputs: Input name to array, with a batch axis of 1.
    """

    inputs: Mapping[str, Array]

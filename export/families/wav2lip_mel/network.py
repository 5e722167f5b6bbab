"""The mel spectrum as a network, which float16 would spoil."""

from typing import NoReturn

from client.errors import InputError
from export.torch_network import TorchNetwork


class SpectrumNetwork(TorchNetwork):
    """A spectrum: it has no weights to halve, and decibels need the range of float32."""

    def in_half(self) -> NoReturn:
        """Refuses.

        Raises:
            InputError: Always. Samples in float16 have a noise floor of -66 dB; the spectrum goes
                down to -100 dB, and a plain tone moves it by 0.2.
        """
        raise InputError(
            "Wav2Lip's mel spectrum has no weights, and in float16 it would lose what is quiet; "
            "leave --precision out."
        )

"""What a DINet checkpoint does not tell of itself."""

from typing import Literal

from client.errors import InputError
from export.settings import FamilySettings

_DEEPSPEECH_WIDTH = 29


class Settings(FamilySettings):
    """The `--config` of a DINet generator.

    Attributes:
        mouth_region_size: Of its training, whose last and only published stage has 256.
        feature_kind: Kind of its speech features; that of DeepSpeech if it takes as many.
    """

    mouth_region_size: Literal[64, 128, 256] = 256
    feature_kind: str | None = None

    def kind_of(self, width: int) -> str:
        """Returns the kind of features so wide.

        Raises:
            InputError: If they are not DeepSpeech's and it is not configured.
        """
        if self.feature_kind is None and width != _DEEPSPEECH_WIDTH:
            raise InputError(
                f"The checkpoint takes speech features {width} wide, not the {_DEEPSPEECH_WIDTH} "
                "of DeepSpeech: name the feature_kind of the encoder that it was trained with in "
                "the file of --config."
            )
        return self.feature_kind or f"deepspeech-{width}"

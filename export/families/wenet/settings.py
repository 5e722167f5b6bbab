"""What the configuration of a WeNet encoder says: keys of this family, or WeNet's own train.yaml.

Keys of this family, all optional:

- `front_end`: "heygem" (HeyGem's log mel) or "kaldi" (WeNet's fbank).
- `norm_eps`: epsilon of LayerNorm.
- `core_s`, `context_s`: seconds that a window speaks for, and seconds before and after them.

Of a `train.yaml` these are read, and the rest is left alone: `input_dim`; `encoder_conf` with
`causal`, `cnn_module_norm` and `norm_eps`, and what must be as it is in every known encoder;
`dataset_conf` with `fbank_conf` and `resample_conf`. It says how an encoder was trained, which for
HeyGem's is not how it is used: it does not choose the front end.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from client.errors import InputError
from export.families.wenet.layout import Layout

FrontEnd = Literal["heygem", "kaldi"]

# The only trace of what a file is of: HeyGem calls its encoder so, and drops the mean that it has.
HEYGEM_FILE = "wenetmodel.pt"

_OLD_EPS, _EPS = 1e-12, 1e-5
_USUAL_BANDS = 80


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class EncoderConf(_Part):
    """The section `encoder_conf`; literal types are what the network here computes."""

    causal: bool = False
    cnn_module_norm: Literal["batch_norm", "layer_norm"] | None = None
    norm_eps: float | None = Field(default=None, gt=0, lt=0.1)
    input_layer: Literal["conv2d"] = "conv2d"
    pos_enc_layer_type: Literal["rel_pos"] = "rel_pos"
    selfattention_layer_type: Literal["rel_selfattn"] = "rel_selfattn"
    activation_type: Literal["swish"] = "swish"
    normalize_before: Literal[True] = True
    macaron_style: Literal[True] = True
    use_cnn_module: Literal[True] = True
    concat_after: Literal[False] = False


class FbankConf(_Part):
    """The section `dataset_conf.fbank_conf`."""

    num_mel_bins: int | None = None
    frame_length: Literal[25] = 25
    frame_shift: Literal[10] = 10


class ResampleConf(_Part):
    """The section `dataset_conf.resample_conf`."""

    resample_rate: Literal[16000] = 16000


class DatasetConf(_Part):
    """The section `dataset_conf`."""

    feats_type: Literal["fbank"] = "fbank"
    fbank_conf: FbankConf = FbankConf()
    resample_conf: ResampleConf = ResampleConf()


class Settings(_Part):
    """A configuration; see the module."""

    front_end: FrontEnd | None = None
    norm_eps: float | None = Field(default=None, gt=0, lt=0.1)
    core_s: float = Field(default=5.0, ge=0.4, le=30)
    context_s: float = Field(default=2.0, ge=0.2, le=15)
    input_dim: int | None = None
    encoder_conf: EncoderConf = EncoderConf()
    dataset_conf: DatasetConf = DatasetConf()

    def front_end_of(self, layout: Layout, file_name: str) -> FrontEnd:
        """Which front end an encoder has: as it is said, else by whether the file has a mean.

        HeyGem's program drops the mean of its file, so that one is known by its name.
        """
        if self.front_end is not None:
            return self.front_end
        has_mean = layout.cmvn_bands is not None
        return "kaldi" if has_mean and file_name != HEYGEM_FILE else "heygem"

    def norm_eps_of(self, layout: Layout, front_end: FrontEnd) -> float:
        """Which epsilon LayerNorm has, which no file tells: 1e-12 in WeNet 1.0 and HeyGem."""
        said = self.norm_eps or self.encoder_conf.norm_eps
        return said or (_OLD_EPS if layout.is_old or front_end == "heygem" else _EPS)

    def bands_of(self, layout: Layout) -> int:
        """How many mel bands an encoder takes.

        Raises:
            InputError: If its input layer is of another number.
        """
        said = self.dataset_conf.fbank_conf.num_mel_bins or self.input_dim
        bands = layout.cmvn_bands or said or _USUAL_BANDS
        if subsampled(bands) != layout.mel_columns:
            raise InputError(
                f"The checkpoint's input layer does not fit {bands} mel bands; write input_dim: "
                "with their number into the file of --config."
            )
        return bands


def subsampled(extent: int) -> int:
    """Extent behind the two convolutions at the input: 3 wide, 2 apart, without padding."""
    return ((extent - 1) // 2 - 1) // 2


def read_settings(config: Mapping[str, object]) -> Settings:
    """Reads a configuration.

    Raises:
        InputError: If a key is not known, or says what no known encoder has.
    """
    unknown = set(config) - set(Settings.model_fields)
    if unknown and "encoder_conf" not in config:  # a train.yaml has many more keys
        raise InputError(
            f"The configuration's {sorted(unknown)[0]} is not known; its keys are "
            f"{', '.join(Settings.model_fields)}."
        )
    try:
        return Settings.model_validate(dict(config))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"The configuration's {key} cannot be used ({first['msg']}); such an encoder is not "
            "supported, or the key has to be corrected."
        ) from error


def check_fits(settings: Settings, layout: Layout) -> None:
    """Checks that a configuration and a checkpoint belong together.

    Raises:
        InputError: If they contradict each other.
    """
    said = settings.encoder_conf.cnn_module_norm
    found = "batch_norm" if layout.has_batch_norm else "layer_norm"
    if said is not None and said != found:
        raise InputError(
            f"The configuration says cnn_module_norm: {said}, but the checkpoint has a {found}; "
            "give the train.yaml of this checkpoint."
        )
    if layout.kernel % 2 == 0 and not settings.encoder_conf.causal:
        raise InputError(
            f"The checkpoint's convolutions are {layout.kernel} frames wide, which only causal "
            "ones are; give its train.yaml, or encoder_conf: {causal: true}, as --config."
        )

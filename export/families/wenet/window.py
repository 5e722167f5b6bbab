"""Windows of speech: which samples a window has, and which features are its own."""

from dataclasses import dataclass

from client.errors import InputError
from export.families.wenet.frontend import FEATURE_SAMPLES, HOP_SAMPLES, SAMPLE_RATE_HZ, FrontEnd
from export.families.wenet.settings import subsampled


@dataclass(frozen=True)
class Window:
    """Samples of context, of the core, and of context; the first two are whole features."""

    left: int
    core: int
    right: int

    @property
    def length(self) -> int:
        """Samples of all."""
        return self.left + self.core + self.right


@dataclass(frozen=True)
class Plan:
    """What is computed in a window.

    Attributes:
        offset: Sample at which the first frame begins: all frames lie inside of the window.
        mel_frames: How many frames there are.
        features: How many features the encoder makes of them.
        first: The first of them that belongs to the core.
        count: How many do.
    """

    offset: int
    mel_frames: int
    features: int
    first: int
    count: int


def plan_of(window: Window, front_end: FrontEnd) -> Plan:
    """Plans the frames of a window; its contexts have to be longer than a frame reaches."""
    skipped = -(-front_end.lead // FEATURE_SAMPLES)
    offset = skipped * FEATURE_SAMPLES - front_end.lead
    mel_frames = (window.length - offset - front_end.span) // HOP_SAMPLES + 1
    return Plan(
        offset=offset,
        mel_frames=mel_frames,
        features=subsampled(mel_frames),
        first=window.left // FEATURE_SAMPLES - skipped,
        count=window.core // FEATURE_SAMPLES,
    )


def window_of(core_s: float, context_s: float) -> Window:
    """Returns a window of these seconds.

    Raises:
        InputError: If they are no multiples of 0.04 s.
    """
    context = _samples("context_s", context_s)
    return Window(context, _samples("core_s", core_s), context)


def _samples(key: str, seconds: float) -> int:
    samples = round(seconds * SAMPLE_RATE_HZ)
    if samples % FEATURE_SAMPLES:
        raise InputError(
            f"The configuration's {key} of {seconds:g} s is no multiple of 0.04 s, the time of a "
            "feature; write one that is."
        )
    return samples

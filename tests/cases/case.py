"""A case: what is given to the command, and what must come of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from tests.cases.clips import Clip
from tests.cases.facts import Facts
from tests.cases.recordings import SPOKEN_S, Recording
from tests.cases.scene import PATCH
from tests.cases.source import Source

_LONGEST_LAG_MS = 1.0
_LOUDNESS_ERROR = 0.1
FRAMES = 14  # at 25 per second, as long as what is spoken


def bounce(count: int, total: int) -> tuple[int, ...]:
    """Source pictures of a clip played back and forth: 0 … n-1, n-2 … 0, 1 …"""
    period = [*range(count), *range(count - 2, 0, -1)]
    return tuple(period[position % len(period)] for position in range(total))


@dataclass(frozen=True, kw_only=True)
class Made:
    """A right result; what is None is not looked at.

    Attributes:
        frames: Pictures; as many as cover the recording by default.
        shown: Number of the source picture in each frame; back and forth by default.
        colour_error: The most that a component of the known patch may be off, of 255.
        with_face: Frames with a speaking face, or from … to; all by default.
        unchanged: What must be equal to the source outside the faces: nothing, luma or all planes.
        speakers: Which people's faces must change then.
        outlasting: Whether the pictures go on after the sound.
    """

    rate: Fraction = Fraction(25)
    size: tuple[int, int] = (256, 192)
    frames: int = FRAMES
    shown: Sequence[int] | None = field(default=bounce(12, FRAMES))
    pixel_format: str = "yuv420p"
    codec: str = "h264"
    sample_aspect: Fraction = Fraction(1)
    tags: tuple[int, int, int] | None = None
    full_range: bool = False
    colour_error: int | None = 6
    sound: str = "aac"
    sample_rate: int = 48000
    channels: int = 1
    copied: bool = False
    with_face: range | None = None
    unchanged: Literal["nothing", "luma", "all"] = "nothing"
    speakers: Sequence[int] = (0,)
    outlasting: bool = False

    def objections(self, facts: Facts, with_face: int) -> list[str]:
        """What is not as it must be."""
        return [
            *self._differences(facts, with_face),
            *self._timing(facts),
            *self._colour(facts),
        ]

    def _differences(self, facts: Facts, with_face: int) -> list[str]:
        wanted: dict[str, object] = {
            name: getattr(self, name)
            for name in ("frames", "rate", "size", "pixel_format", "codec", "sample_aspect")
        }
        wanted |= {
            name: getattr(self, name)
            for name in ("full_range", "sound", "sample_rate", "channels", "copied")
        }
        wanted |= {"tags": self.tags} if self.tags else {}
        wanted |= {"shown": tuple(self.shown)} if self.shown is not None else {}
        found = {name: getattr(facts, name) for name in wanted}
        faces = self.with_face or range(self.frames, self.frames + 1)
        return ([] if with_face in faces else [f"{with_face} frames have a face"]) + [
            f"{name} is {_text(found[name])}, not {_text(value)}"
            for name, value in wanted.items()
            if found[name] != value
        ]

    def _timing(self, facts: Facts) -> list[str]:
        objections = []
        if any(facts.starts_s):
            objections.append(f"streams start at {facts.starts_s}")
        if not self.outlasting and not 0 <= facts.excess_frames < 1:
            objections.append(f"pictures outlast the sound by {float(facts.excess_frames):.2f}")
        if facts.lag_ms is not None and abs(facts.lag_ms) > _LONGEST_LAG_MS:
            objections.append(f"sound lags by {facts.lag_ms:.2f} ms")
        if facts.loudness is not None and abs(facts.loudness - 1) > _LOUDNESS_ERROR:
            objections.append(f"sound is {facts.loudness:.2f} times as loud")
        if not facts.indexed_in_front:
            objections.append("the index is behind the media")
        if abs(facts.largest_step * facts.rate - 1) > Fraction(1, 20):
            objections.append(f"pictures are up to {float(facts.largest_step):.4f} s apart")
        return objections

    def _colour(self, facts: Facts) -> list[str]:
        if self.colour_error is None:
            return []
        off = max(abs(ours - drawn) for ours, drawn in zip(facts.patch, PATCH, strict=True))
        return [f"colour {facts.patch} is not {PATCH}"] if off > self.colour_error else []


@dataclass(frozen=True)
class Refused:
    """One clear error.

    Attributes:
        sentence: A pattern in it.
        names: Whether it must name the clip, the recording or neither.
    """

    sentence: str
    names: Literal["video", "audio", ""] = "video"

    def objections(self, sentence: str, names: dict[str, str]) -> list[str]:
        """What is not as it must be."""
        objections = []
        if not re.search(self.sentence, sentence):
            objections.append(f"the sentence does not say {self.sentence!r}")
        if self.names and names[self.names] not in sentence:
            objections.append(f"the sentence does not name {names[self.names]}")
        return objections


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table.

    Attributes:
        name: Few words.
        what: One line for the reader of the table, in addition to the name.
        video: Clip or photo; None gives the recording's file as the clip too.
        audio: Recording; None gives the clip's file as the recording too.
        expected: What must come of it.
        options: Further options of the command line.
        output: Name of the file to be made.
        replaces: Whether there is a file of that name before.
        note: What must be told beside a right result.
    """

    name: str
    what: str = ""
    video: Source | None = field(default_factory=Clip)
    audio: Source | None = field(default_factory=Recording)
    expected: Made | Refused = field(default_factory=Made)
    options: Sequence[str] = ()
    output: str = "result.mp4"
    replaces: bool = True
    note: str = ""


def short(length_s: Fraction = SPOKEN_S) -> Recording:
    """The recording of most cases, or less of it."""
    return Recording(length_s=length_s)


def _text(value: object) -> str:
    return runs(value) if isinstance(value, tuple) and len(value) > 3 else str(value)


def runs(numbers: Sequence[int]) -> str:
    """Numbers with their runs written short: 0…11 10…3 3×5."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and _goes_on(parts[-1], number):
            parts[-1].append(number)
        else:
            parts.append([number])
    return " ".join(_written(part) for part in parts)


def _goes_on(part: list[int], number: int) -> bool:
    step = number - part[-1]
    return abs(step) <= 1 if len(part) == 1 else step == part[-1] - part[-2]


def _written(part: list[int]) -> str:
    if len(part) == 1:
        return str(part[0])
    return f"{part[0]}×{len(part)}" if part[0] == part[-1] else f"{part[0]}…{part[-1]}"

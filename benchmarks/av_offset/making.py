"""A clip that flashes, and a recording that claps whenever the clip, played, flashes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal, cast

import av
import cv2
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

Mode = Literal["bounce", "loop"]

CLIP_FRAMES: Final = 240
FLASH_EVERY: Final = 24
FIRST_FLASH: Final = 12
DARK: Final = 60
CLAP_S: Final = 0.012
SOUND_CODECS: Final = {".wav": "pcm_s16le", ".m4a": "aac", ".mp3": "libmp3lame"}
SAMPLE_RATE: Final = 16000


def clap(sample_rate: int) -> NDArray[np.float32]:
    """Return a rising chirp, which agrees with itself at one place only, [N] in -1..1."""
    time_s = np.arange(round(CLAP_S * sample_rate)) / sample_rate
    wave = np.sin(2 * np.pi * (1000 * time_s + 2500 * time_s**2 / CLAP_S))
    return (wave * np.hanning(len(wave))).astype(np.float32)


def is_flash(index: int) -> bool:
    """Return whether a frame of the clip flashes."""
    return index % FLASH_EVERY == FIRST_FLASH


def source_index(position: int, mode: Mode) -> int:
    """Return the frame of the clip that is due at a position of the result."""
    if mode == "loop":
        return position % CLIP_FRAMES
    place = position % (2 * CLIP_FRAMES - 2)
    return min(place, 2 * CLIP_FRAMES - 2 - place)


def flash_times(rate: Fraction, duration_s: Fraction, mode: Mode) -> list[Fraction]:
    """Return when the played clip flashes."""
    count = int(duration_s * rate)
    return [position / rate for position in range(count) if is_flash(source_index(position, mode))]


def make_clip(path: Path, rate: Fraction, background: Path | None = None) -> Path:
    """Encode the clip: a dark or given picture that turns white for single frames."""
    dark = np.full((64, 96, 3), DARK, np.uint8)
    if background is not None:
        dark = np.asarray(cv2.imread(str(background)))[:, :, ::-1]
        dark = np.ascontiguousarray(dark[: dark.shape[0] & ~1, : dark.shape[1] & ~1])
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate, options={"preset": "veryfast", "bf": "3"})
        stream.height, stream.width = dark.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = CLIP_FRAMES
        for index in range(CLIP_FRAMES):
            picture = np.full_like(dark, 255) if is_flash(index) else dark
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    return path


def make_recording(path: Path, claps_s: list[Fraction], duration_s: Fraction) -> Path:
    """Encode a recording with claps; its suffix chooses WAV, AAC or MP3."""
    with av.open(str(path), "w") as container:
        codec = SOUND_CODECS[path.suffix]
        stream = cast("AudioStream", container.add_stream(codec, SAMPLE_RATE))
        stream.layout = "mono"
        for second, block in enumerate(_blocks(claps_s, duration_s)):
            samples = (block * 20_000).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
            frame.sample_rate = SAMPLE_RATE
            frame.pts = second * SAMPLE_RATE  # without it encoders do not tell their delay
            frame.time_base = Fraction(1, SAMPLE_RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _blocks(claps_s: list[Fraction], duration_s: Fraction) -> Iterator[NDArray[np.float32]]:
    """Yield the sound second by second."""
    wave, total = clap(SAMPLE_RATE), round(duration_s * SAMPLE_RATE)
    starts = [round(time_s * SAMPLE_RATE) for time_s in claps_s]
    spilt = np.zeros(len(wave), np.float32)
    following = 0
    for begin in range(0, total, SAMPLE_RATE):
        block = np.zeros(SAMPLE_RATE + len(wave), np.float32)
        block[: len(wave)] = spilt
        while following < len(starts) and starts[following] < begin + SAMPLE_RATE:
            place = starts[following] - begin
            block[place : place + len(wave)] += wave
            following += 1
        spilt = block[SAMPLE_RATE:]
        yield block[: min(SAMPLE_RATE, total - begin)]

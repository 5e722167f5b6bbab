"""What a finished video is, measured with nothing of the product's own code."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import InvalidDataError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from tests.cases.clips import Clip
from tests.cases.scene import PATCH_SIDE, STRIP_HEIGHT, STRIP_WIDTH
from tests.unit.media.making import number_in

Samples = NDArray[np.float32]
Planes = list[NDArray[np.int32]]

_RATE = 16000
_LONGEST_LAG = 1600  # samples
_SHORTEST_HEARD = 4000
_SILENT = 1e-4
# Luma weights (red, blue) of ITU-R BT.601, BT.709 and BT.2020 by H.273's number of the matrix.
_WEIGHTS = {
    **dict.fromkeys((5, 6), (0.299, 0.114)),
    1: (0.2126, 0.0722),
    9: (0.2627, 0.0593),
}
_HD_HEIGHT = 720


@dataclass(frozen=True)
class Facts:
    """One finished video.

    Attributes:
        frames: Pictures.
        rate: Exact pictures per second, as the file states it.
        size: Width and height.
        pixel_format: FFmpeg's name; "yuvj" is written "yuv".
        codec: Of the pictures.
        sample_aspect: Width of a pixel over its height.
        tags: H.273 codes of primaries, transfer and matrix.
        full_range: Whether samples use all code values.
        shown: Number of the source picture in each frame.
        patch: RGB of the patch of known colour in the first frame.
        sound: Codec of the sound.
        sample_rate: Of the sound, in Hz.
        channels: Of the sound.
        copied: Whether the sound's packets are the recording's.
        starts_s: When the first picture and the first sample are due.
        excess_frames: By how many frames the pictures outlast the sound.
        lag_ms: By how much the sound comes later than in the recording; None for silence and for
            sound too short to tell.
        loudness: Of the sound, over that of the recording; None as `lag_ms`.
        indexed_in_front: Whether players can start before they have the whole file.
        largest_step: Seconds between two pictures where they are furthest apart.
    """

    frames: int
    rate: Fraction
    size: tuple[int, int]
    pixel_format: str
    codec: str
    sample_aspect: Fraction
    tags: tuple[int, int, int]
    full_range: bool
    shown: tuple[int, ...]
    patch: tuple[int, int, int]
    sound: str
    sample_rate: int
    channels: int
    copied: bool
    starts_s: tuple[Fraction, Fraction]
    excess_frames: Fraction
    lag_ms: float | None
    loudness: float | None
    indexed_in_front: bool
    largest_step: Fraction


def measure(output: Path, recording: Path) -> Facts:
    """Decodes a finished video and compares its sound with the recording."""
    ours, theirs = heard(output), heard(recording)
    with av.open(str(output)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        pictures = list(container.decode(video))
        first, context = pictures[0], video.codec_context
        rate = Fraction(video.average_rate or 0)
        length_s = len(pictures) / rate
        times = [_time_s(picture) for picture in pictures]
        return Facts(
            frames=len(pictures),
            rate=rate,
            size=(first.width, first.height),
            pixel_format=first.format.name.replace("yuvj", "yuv"),
            codec=context.codec.canonical_name,
            sample_aspect=context.sample_aspect_ratio or Fraction(1),
            tags=(context.color_primaries, context.color_trc, int(first.colorspace)),
            full_range=_is_full_range(first),
            shown=tuple(_number(picture) for picture in pictures),
            patch=_patch(first),
            sound=audio.codec_context.codec.canonical_name,
            sample_rate=audio.sample_rate,
            channels=audio.channels,
            copied=_packets(output, 3) == _packets(recording, 3),
            starts_s=(times[0], _first_sample_s(output)),
            excess_frames=(length_s - _length_s(audio)) * rate,
            lag_ms=lag_ms(ours, theirs),
            loudness=loudness(ours, theirs),
            indexed_in_front=_indexed_in_front(output),
            largest_step=max((b - a for a, b in pairwise(times)), default=1 / rate),
        )


def planes_of(frame: VideoFrame) -> Planes:
    """Y, U and V of a planar picture, without padding."""
    dtype = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
    planes: Planes = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
        planes.append(rows[:, : plane.width].astype(np.int32))
    return planes


def decoded(path: Path) -> list[Planes]:
    """All pictures of a video, planes as the decoder gives them."""
    with av.open(f"file:{path}") as container:
        return [planes_of(frame) for frame in container.decode(video=0)]


def changed_pixels(
    output: Path, source: Path, clip: Clip, shown: Sequence[int], planes: int
) -> NDArray[np.bool_]:
    """Where a losslessly encoded result differs from its source in any frame.

    Args:
        output: The result.
        source: The clip's file.
        clip: How the clip is turned.
        shown: Number of the source picture in each frame.
        planes: How many of Y, U, V to compare: all, or only luma.

    Returns:
        bool [H, W], in luma pixels.
    """
    given = decoded(source)
    results = decoded(output)
    changed: NDArray[np.bool_] = np.zeros(results[0][0].shape, np.bool_)
    for made, number in zip(results, shown, strict=True):
        for ours, theirs in zip(made[:planes], given[number][:planes], strict=True):
            height, width = ours.shape
            differing = ours != clip.upright(theirs)[:height, :width]
            step = len(changed) // height, changed.shape[1] // width
            changed |= np.kron(differing, np.ones(step, np.bool_))
    return changed


def heard(path: Path) -> Samples:
    """The first channel at 16 kHz."""
    # Packed: PyAV looks for a ninth plane in planar frames of eight channels.
    resampler = AudioResampler(format="flt", rate=_RATE)
    with av.open(f"file:{path}") as container:
        frames = [part for f in _sounds(container) for part in resampler.resample(f)]
    frames += filter(None, resampler.resample(None))
    parts = [f.to_ndarray().reshape(-1, len(f.layout.channels))[:, 0] for f in frames]
    return np.concatenate(parts).astype(np.float32)


def _sounds(container: InputContainer) -> Iterator[AudioFrame]:
    """What can be decoded; players skip packets that are none, such as tags in the middle."""
    stream = container.streams.audio[0]
    for packet in container.demux(stream):
        with suppress(InvalidDataError):
            yield from stream.decode(packet)


def lag_ms(later: Samples, earlier: Samples) -> float | None:
    """By how much one sound lags the other where they agree best."""
    length = min(len(later), len(earlier))
    if not _comparable(earlier, length):
        return None
    size = 2 * length
    spectrum = np.fft.rfft(later[:length], size) * np.conj(np.fft.rfft(earlier[:length], size))
    agreement = np.roll(np.fft.irfft(spectrum, size), _LONGEST_LAG)[: 2 * _LONGEST_LAG]
    return (int(np.argmax(agreement)) - _LONGEST_LAG) / _RATE * 1000


def loudness(ours: Samples, theirs: Samples) -> float | None:
    """The effective value of one sound over that of another."""
    length = min(len(ours), len(theirs))
    if not _comparable(theirs, length):
        return None
    return float(np.sqrt(np.square(ours[:length]).mean() / np.square(theirs[:length]).mean()))


def _comparable(sound: Samples, length: int) -> bool:
    return length >= _SHORTEST_HEARD and float(np.abs(sound).max()) > _SILENT


def _indexed_in_front(mp4: Path) -> bool:
    data = mp4.read_bytes()
    return data.index(b"moov") < data.index(b"mdat")


def _number(frame: VideoFrame) -> int:
    luma = planes_of(frame)[0] >> (frame.format.components[0].bits - 8)
    if luma.shape[0] < STRIP_HEIGHT or luma.shape[1] < STRIP_WIDTH:
        return 0
    return number_in(luma.astype(np.uint8))


def _patch(frame: VideoFrame) -> tuple[int, int, int]:
    """The mean colour inside the patch, by the definition of the frame's matrix and range."""
    y, u, v = (_middle(plane, frame) for plane in planes_of(frame))
    unit = 1 << (frame.format.components[0].bits - 8)
    if _is_full_range(frame):
        top = 256 * unit - 1
        luma, blue, red = y / top, (u - 128 * unit) / top, (v - 128 * unit) / top
    else:
        luma = (y - 16 * unit) / (219 * unit)
        blue, red = (u - 128 * unit) / (224 * unit), (v - 128 * unit) / (224 * unit)
    kr, kb = _WEIGHTS.get(int(frame.colorspace), _WEIGHTS[1 if frame.height >= _HD_HEIGHT else 6])
    r, b = luma + 2 * (1 - kr) * red, luma + 2 * (1 - kb) * blue
    g = (luma - kr * r - kb * b) / (1 - kr - kb)
    return round(255 * r), round(255 * g), round(255 * b)


def _middle(plane: NDArray[np.int32], frame: VideoFrame) -> float:
    """The mean of a plane's samples in the middle of the patch."""
    up, across = frame.height / plane.shape[0], frame.width / plane.shape[1]
    margin = PATCH_SIDE // 4
    rows = slice(int((frame.height - 3 * margin) / up), int((frame.height - margin) / up))
    return float(plane[rows, int(margin / across) : int(3 * margin / across)].mean())


def _is_full_range(frame: VideoFrame) -> bool:
    return frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")


def _packets(path: Path, count: int) -> list[bytes]:
    """The first packets of the sound; without ADTS's header, which MP4 has no place for."""
    with av.open(f"file:{path}") as container:
        header = 7 if container.format.name in ("aac", "mpegts") else 0
        packets = (packet for packet in container.demux(audio=0) if packet.size)
        return [bytes(packet)[header:] for packet in islice(packets, count)]


def _first_sample_s(path: Path) -> Fraction:
    with av.open(str(path)) as container:
        return _time_s(next(container.decode(audio=0)))


def _time_s(frame: AudioFrame | VideoFrame) -> Fraction:
    return Fraction(frame.pts or 0) * Fraction(frame.time_base or 0)


def _length_s(stream: AudioStream) -> Fraction:
    return Fraction(stream.duration or 0) * Fraction(stream.time_base or 0)

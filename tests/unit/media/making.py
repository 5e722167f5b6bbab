"""Small media for the tests: every picture carries its number, every sound is a known wave."""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream
from numpy.typing import NDArray

from orchestrator.media.frames import Frame
from orchestrator.media.pixels import Plane, Planes, rows_of

WIDTH, HEIGHT = 96, 64
_BLOCK = 16  # a bit is a square of pixels, which survives lossy coding
_BITS = 12
_DARK, _BRIGHT = 40, 210
_BIT_RATES = {"wmav2": 128_000, "libopencore_amrnb": 12_200}  # of encoders that insist on one


@dataclass(frozen=True)
class Clip:
    """How a test video is encoded."""

    count: int = 20
    rate: Fraction = Fraction(25)
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    width: int = WIDTH
    height: int = HEIGHT
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)
    gop: int = 12
    ticks: Sequence[int] | None = None  # of each picture, in `time_base`
    time_base: Fraction | None = None
    tags: tuple[int, int, int] = (2, 2, 2)
    color_range: int = 0
    sample_aspect: Fraction | None = None


def numbered_luma(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A picture whose upper rows of squares spell a number in binary, over moving texture."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    luma = (120 + 50 * np.sin((x + 3 * number) / 5) * np.cos((y - number) / 7)).astype(np.uint8)
    for bit in range(_BITS):
        row, column = divmod(bit, WIDTH // _BLOCK)
        square = np.s_[row * _BLOCK : (row + 1) * _BLOCK, column * _BLOCK : (column + 1) * _BLOCK]
        luma[square] = _BRIGHT if number >> bit & 1 else _DARK
    return luma


def number_in(luma: Plane) -> int:
    """The number that a picture carries; one of 16-bit samples has 10 bits."""
    number = 0
    threshold = (_DARK + _BRIGHT) / 2 * (1 if luma.dtype == np.uint8 else 4)
    for bit in range(_BITS):
        row, column = divmod(bit, WIDTH // _BLOCK)
        centre = luma[row * _BLOCK + 4 : row * _BLOCK + 12, column * _BLOCK + 4 :][:, :8]
        number |= int(centre.mean() > threshold) << bit
    return number


def numbers(frames: Iterable[Frame]) -> list[int]:
    return [number_in(frame.planes[0]) for frame in frames]


def make_video(path: Path, clip: Clip | None = None, sound: Sequence[int] = ()) -> Path:
    """Encodes numbered pictures; `sound` is (sample rate, channels) of an AAC track."""
    clip = clip or Clip()
    with av.open(str(path), "w", container_options=clip.container_options) as container:
        added = container.add_stream(clip.codec, clip.rate, options=clip.options)
        stream = cast("VideoStream", added)
        stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, clip.pix_fmt
        _describe(stream.codec_context, clip)
        if sound:
            audio = container.add_stream("aac", sound[0])
            layout = "mono" if sound[1] == 1 else "stereo"
            audio.layout = layout
        for number in range(clip.count):
            container.mux(stream.encode(_picture(number, clip)))
        container.mux(stream.encode(None))
        if sound:
            duration_s = float(clip.count / clip.rate)
            samples = tone(duration_s, sound[0], sound[1])
            for frame in sound_frames(samples, sound[0], layout):
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def _describe(context: VideoCodecContext, clip: Clip) -> None:
    context.gop_size = clip.gop
    context.time_base = clip.time_base or 1 / clip.rate
    context.color_primaries, context.color_trc, context.colorspace = clip.tags
    context.color_range = clip.color_range
    if clip.sample_aspect:
        context.sample_aspect_ratio = clip.sample_aspect


def _picture(number: int, clip: Clip) -> av.VideoFrame:
    frame = av.VideoFrame(clip.width, clip.height, "yuv420p")
    y, u, v = (rows_of(plane) for plane in frame.planes)
    y[: clip.height, : clip.width] = numbered_luma(number, clip.width, clip.height)
    u[:] = 110
    v[:] = 140
    if clip.pix_fmt != "yuv420p":
        frame = frame.reformat(format=clip.pix_fmt)
    frame.pts = number if clip.ticks is None else clip.ticks[number]
    frame.time_base = clip.time_base or 1 / clip.rate
    return frame


def tone(duration_s: float, rate: int, channels: int = 1) -> NDArray[np.float32]:
    """A sweep [channels, samples] that correlates with itself at one place only."""
    time = np.arange(round(duration_s * rate)) / rate
    wave = 0.5 * np.sin(2 * np.pi * (200 * time + 300 * time**2))
    return np.tile(wave.astype(np.float32), (channels, 1))


def make_sound(
    path: Path,
    samples: NDArray[np.float32],
    rate: int,
    codec: str,
    container_options: dict[str, str] | None = None,
    layout: str | None = None,
) -> Path:
    """Encodes float32 [channels, samples] with a codec that suits the path's suffix."""
    layout = layout or {1: "mono", 2: "stereo", 4: "4.0"}[len(samples)]
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream = cast("AudioStream", container.add_stream(codec, rate))
        stream.layout = layout
        if codec in _BIT_RATES:
            stream.bit_rate = _BIT_RATES[codec]
        for frame in sound_frames(samples, rate, layout):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def sound_frames(
    samples: NDArray[np.float32], rate: int, layout: str, length: int = 1024
) -> Iterator[av.AudioFrame]:
    """Samples [channels, samples] as frames that follow each other."""
    for start in range(0, samples.shape[1], length):
        values = samples[:, start : start + length].T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(values), "flt", layout)
        frame.sample_rate = rate
        frame.pts = start
        frame.time_base = Fraction(1, rate)
        yield frame


def make_picture(path: Path, pixels: NDArray[np.uint8], codec: str, pix_fmt: str) -> Path:
    """Encodes RGB [H,W,3] or RGBA [H,W,4] as a single picture."""
    context = cast("VideoCodecContext", av.CodecContext.create(codec, "w"))
    context.width, context.height, context.pix_fmt = pixels.shape[1], pixels.shape[0], pix_fmt
    context.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(pixels, "rgb24" if pixels.shape[2] == 3 else "rgba")
    packets = context.encode(frame.reformat(format=pix_fmt)) + context.encode(None)
    path.write_bytes(b"".join(bytes(packet) for packet in packets))
    return path


def set_exif_orientation(jpeg: Path, orientation: int) -> Path:
    """Puts an EXIF segment with nothing but the orientation (1 … 8) into a JPEG."""
    entry = struct.pack("<HHHII", 1, 0x112, 3, 1, orientation)
    exif = b"Exif\0\0" + b"II*\0\x08\0\0\0" + entry + bytes(4)
    data = jpeg.read_bytes()
    jpeg.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])
    return jpeg


def set_rotation(mp4: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Writes the display matrix (a b c d, each -1, 0 or 1) into the first track of an MP4."""
    data = bytearray(mp4.read_bytes())
    header = data.index(b"tkhd")
    a, b, c, d = (value * 0x10000 for value in matrix)
    struct.pack_into(">9i", data, header + 4 + 40, a, b, 0, c, d, 0, 0, 0, 0x40000000)
    mp4.write_bytes(data)
    return mp4


def cut_start(source: Path, target: Path, start_s: Fraction) -> Path:
    """Copies a video from a time on; what leads to it stays in front, hidden by an edit list."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        stream = given.streams.video[0]
        copy = made.add_stream_from_template(stream)
        for packet in given.demux(stream):
            if packet.pts is not None and packet.dts is not None:
                packet.pts -= int(start_s / packet.time_base)
                packet.dts -= int(start_s / packet.time_base)
                packet.stream = copy
                made.mux(packet)
    return target


def set_edit(mp4: Path, start_ticks: int, duration_s: Fraction) -> Path:
    """Writes the only entry of the first edit list: what of the media is used."""
    data = bytearray(mp4.read_bytes())
    entry = data.index(b"elst") + 12
    movie_ticks = round(duration_s * 1000)
    struct.pack_into(">Ii", data, entry, movie_ticks, start_ticks)
    mp4.write_bytes(data)
    return mp4


def move_packets(source: Path, target: Path, shift_s: Callable[[int], Fraction]) -> Path:
    """Copies the only stream of a file; packet n appears later by `shift_s(n)`."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        stream = given.streams[0]
        copy = made.add_stream_from_template(stream)
        for number, packet in enumerate(given.demux(stream)):
            if packet.pts is not None and packet.dts is not None:
                packet.pts += int(shift_s(number) / packet.time_base)
                packet.dts += int(shift_s(number) / packet.time_base)
                packet.stream = copy
                made.mux(packet)
    return target


def same(a: Planes, b: Planes) -> bool:
    """Whether two pictures are equal in every sample."""
    return all(np.array_equal(one, other) for one, other in zip(a, b, strict=True))

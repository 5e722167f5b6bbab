"""Opening media files safely, and turning what goes wrong into sentences."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import ExitError, FFmpegError
from av.format import Flags
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from client.errors import InputError, MediaError

_TIMEOUT_S = 30.0
# Playlists (hls, concat, dash, …) are left out: they would read other files and addresses.
# Bare elementary streams are left out too: without timestamps there is no clock to follow.
_FORMATS = (
    "3gp,aac,ac3,aiff,amr,asf,au,avi,bmp_pipe,caf,eac3,flac,flv,gif,image2,jpeg_pipe,matroska,"
    "mov,mp3,mp4,mpeg,mpegts,mxf,mxf_opatom,ogg,png_pipe,tiff_pipe,tta,w64,wav,webm,webp_pipe,wv"
)
_OPTIONS = {
    "format_whitelist": _FORMATS,
    "protocol_whitelist": "file",
    "pattern_type": "none",  # "photo%03d.jpg" is a name, not a sequence
}
_TAGGED_FORMATS = ("mp3", "aac")


def check_input(path: Path) -> None:
    """Checks that a path names a readable file with something in it.

    Raises:
        InputError: If it does not.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{path} cannot be found: check the path.") from error
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{path} is a folder: name a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path} is not a regular file: save the media to a file first.")
    if status.st_size == 0:
        raise InputError(f"{path} is empty: export or download it again.")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} may not be read: change its permissions.")


def first_bytes(path: Path, count: int) -> bytes:
    """Reads how a file begins.

    Raises:
        InputError: If there is no such file, or nothing in it.
    """
    check_input(path)
    with path.open("rb") as file:
        return file.read(count)


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turns FFmpeg's errors within the block into a `MediaError` that names the file."""
    try:
        yield
    except ExitError as error:
        raise MediaError(
            f"{path} gave no data for {_TIMEOUT_S:.0f} s: copy it to a local disk."
        ) from error
    except FFmpegError as error:
        raise MediaError(damaged(path)) from error


def damaged(path: Path) -> str:
    """The sentence for a file that starts well and then cannot be decoded."""
    return f"{path} is damaged or cut short: export or download it again."


@contextmanager
def open_input(path: Path) -> Iterator[InputContainer]:
    """Opens a media file for reading and closes it after the block.

    Raises:
        InputError: If there is no such file, or nothing in it.
        MediaError: If it is no media file, or stops answering.
    """
    check_input(path)
    container = _open(path)
    try:
        yield container
    finally:
        container.close()


def _open(path: Path) -> InputContainer:
    try:
        # "file:" keeps a colon in the name from being read as a protocol.
        return av.open(
            f"file:{path}",
            "r",
            # As `options` they would go to streams too: PyAV crashes where those come late (FLV).
            container_options=_OPTIONS,
            metadata_errors="ignore",
            timeout=(_TIMEOUT_S, _TIMEOUT_S),
        )
    except FFmpegError as error:
        raise MediaError(
            f"{path} cannot be opened: it is damaged, cut short or not a media file that can be"
            " read; export it again, for example as MP4."
        ) from error


def clock_may_jump(container: InputContainer) -> bool:
    """Whether timestamps of a format may start anew in the middle, as in transport streams."""
    return bool(container.format.flags & cast("int", Flags.ts_discont.value))


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream that is moving pictures or a photo, not a cover picture of a recording.

    Raises:
        MediaError: If there is none, or no decoder for it.
    """
    for stream in container.streams.video:
        if Disposition.attached_pic not in stream.disposition:
            _require_decoder(stream, path)
            return stream
    raise MediaError(f"{path} has no video in it: give a video or a picture of a person.")


def audio_stream(container: InputContainer, path: Path) -> AudioStream:
    """The first sound stream.

    Raises:
        MediaError: If there is none, or no decoder for it.
    """
    for stream in container.streams.audio:
        _require_decoder(stream, path)
        return stream
    raise MediaError(f"{path} has no sound in it: give a recording of speech.")


def sound_packets(container: InputContainer, stream: AudioStream) -> Iterator[Packet]:
    """Yields the packets of a sound stream that hold sound.

    Where MP3 files were put end to end the tags of the second one come as a packet, too.
    """
    tagged = container.format.name in _TAGGED_FORMATS
    for packet in container.demux(stream):
        if packet.size and not (tagged and bytes(memoryview(packet)[:3]) == b"ID3"):
            yield packet


def _require_decoder(stream: AudioStream | VideoStream, path: Path) -> None:
    if getattr(stream, "codec_context", None) is None:
        raise MediaError(f"{path} has a codec that cannot be read: convert it, say to MP4.")

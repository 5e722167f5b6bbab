"""The output file: encoded pictures and the recording, complete or not there at all."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from math import ceil
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Self, cast

import av
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from client.errors import OutputError
from orchestrator.media.encoders import Encoder, Encoding, choose_encoder
from orchestrator.media.info import VideoInfo
from orchestrator.media.pictures import Interrupted
from orchestrator.media.pixels import Planes, picture_of
from orchestrator.media.soundtrack import Soundtrack
from orchestrator.media.unfinished import start_file


def frames_for(duration_s: Fraction, frame_rate: Fraction) -> int:
    """The number of frames that cover a recording; they outlast it by less than one frame."""
    return max(1, ceil(duration_s * frame_rate))


def check_output(output: Path, *inputs: Path) -> None:
    """Checks that a video can be written, before any work is done.

    Args:
        output: The video to be made.
        *inputs: Files that it must not replace.

    Raises:
        OutputError: If it is no MP4, or a file that cannot be written.
    """
    if output.suffix.lower() != ".mp4":
        raise OutputError(f"{output} is not an MP4: give an output name that ends in .mp4.")
    check_file(output, *inputs)


def check_file(output: Path, *inputs: Path) -> None:
    """Checks that a file can be written, before any work is done.

    An output that is a link is written through: what counts is the folder of its target.

    Args:
        output: The file to be made.
        *inputs: Files that it must not replace.

    Raises:
        OutputError: If its name cannot be used, its folder cannot be written to, or it is one of
            the inputs.
    """
    _check_name(output)
    if output.is_dir():
        raise OutputError(f"{output} is a folder: give the name of a file in it.")
    if output.exists() and not output.is_file():
        raise OutputError(f"{output} is no regular file: give the name of a file.")
    folder = target_of(output).parent
    if not folder.is_dir():
        raise OutputError(f"{folder} does not exist: make the folder first.")
    _check_folder(folder)
    if output.exists() and any(path.exists() and output.samefile(path) for path in inputs):
        raise OutputError(f"{output} is also an input: choose another output name.")


def target_of(output: Path) -> Path:
    """The file that an output is written to; only a link leads elsewhere."""
    return output.resolve() if output.is_symlink() else output


def unwritten(output: Path, error: FFmpegError | OSError) -> OutputError:
    """The error of an output that the disk does not take."""
    return OutputError(
        f"{output} cannot be written ({error.strerror}): check permissions and free space of its"
        " folder."
    )


def _check_name(output: Path) -> None:
    """Asks the file system about a whole name: how long it may be differs between them."""
    try:
        output.stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise OutputError(
            f"{output} cannot be written ({error.strerror}): choose another output name."
        ) from error


def _check_folder(folder: Path) -> None:
    """Makes a file in a folder: asking for permission does not see a disk that is read-only."""
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written to ({error.strerror}): choose another folder."
        ) from error


class VideoWriter:
    """Writes an MP4 with pictures and the recording's sound.

    Until `finish` the work is in a file without a name on the disk of the output, or of its target
    where it is a link. Leaving the `with` block in any other way, even by `kill -9`, ends that file
    and leaves an existing output as it was. Disks that have no nameless files get a hidden one
    beside the output: there a killed process leaves its `.????????.part.mp4` behind, and nobody
    else removes it, as it could belong to a job that runs. An output that is replaced passes its
    permissions on.

        with VideoWriter(output, info, audio) as writer:
            for frame in frames:
                writer.write(frame.planes)
            writer.finish()
    """

    def __init__(
        self,
        output: Path,
        info: VideoInfo,
        audio: Path,
        encoder: Encoder | None = None,
    ) -> None:
        """Opens the recording and the encoder; nothing is to be seen on disk yet.

        Args:
            output: The video to be made.
            info: Size, rate and colour of the pictures.
            audio: The recording, or a video with sound.
            encoder: From `choose_encoder` for these pictures; None is the default one.

        Raises:
            InputError: If there is no such recording.
            MediaError: If it has no sound or cannot be decoded, or no encoder was given and none
                takes the pictures.
            OutputError: If the output cannot be written.
        """
        check_output(output, info.path, audio)
        self._encoder = encoder or choose_encoder(info, Encoding(), threads=0)
        self._output = target_of(output)
        self._info = info
        self._count = 0
        with ExitStack() as stack:
            self._file = start_file(self._output.parent)
            stack.callback(self._file.discard)
            with self._writing():
                self._container = _open(self._file.path)
            stack.callback(self._close_quietly)
            self._stream = _add_video(self._container, info, self._encoder)
            self._soundtrack = Soundtrack(self._container, audio)
            stack.callback(self._soundtrack.close)
            self._undo = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.abort()

    def write(self, planes: Planes) -> None:
        """Encodes the next picture and the sound up to it.

        Args:
            planes: Y, U and V [H,W] of the video's pixel format.

        Raises:
            MediaError: If the recording cannot be decoded.
            OutputError: If the disk does not take it.
        """
        picture = picture_of(planes, self._info.pixel_format).reformat(
            format=self._encoder.pixel_format
        )
        picture.pts = self._count
        picture.time_base = 1 / self._info.frame_rate
        self._count += 1
        with self._writing():
            packets = self._stream.encode(picture)
        self._mux(packets)
        self._mux(self._soundtrack.packets_until(self._written_s()))

    def finish(self, interrupted: Interrupted = lambda: False) -> None:
        """Completes the file and puts it in place, atomically.

        The sound ends with the pictures where it is longer than they are.

        Args:
            interrupted: Whether nobody wants the file any more; it is then not put in place.

        Raises:
            MediaError: If the recording cannot be decoded.
            OutputError: If nothing was written, or the disk does not take it.
        """
        if not self._count:
            raise OutputError(f"{self._output} would have no pictures: the video gave none.")
        with self._writing():
            packets = self._stream.encode(None)
        self._mux(packets)
        self._mux(self._soundtrack.last_packets(self._written_s()))
        with self._writing():
            self._container.close()
            if not interrupted():
                self._file.put(self._output)
        self.abort()

    def abort(self) -> None:
        """Removes what is not finished; after `finish` there is nothing to remove."""
        self._undo.close()

    def _mux(self, packets: Iterable[Packet]) -> None:
        for packet in packets:
            with self._writing():
                self._container.mux_one(packet)

    def _written_s(self) -> Fraction:
        return self._count / self._info.frame_rate

    def _close_quietly(self) -> None:
        with suppress(FFmpegError):  # what cannot be completed is removed
            self._container.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (FFmpegError, OSError) as error:
            raise unwritten(self._output, error) from error


def _open(path: Path) -> OutputContainer:
    # The index in front lets a player start before it has the whole file.
    return av.open(f"file:{path}", "w", "mp4", container_options={"movflags": "+faststart"})


def _add_video(container: OutputContainer, info: VideoInfo, encoder: Encoder) -> VideoStream:
    added = container.add_stream(encoder.name, info.frame_rate, options=encoder.options)
    stream = cast("VideoStream", added)
    encoder.configure(stream.codec_context, info)
    container.metadata.update(info.metadata)
    stream.metadata.update(info.stream_metadata)
    return stream

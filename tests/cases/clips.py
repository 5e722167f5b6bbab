"""Clips of any container, codec, rate, pixel format, colour, shape and orientation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, cast

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tests.cases.recordings import Recording, add_sound
from tests.cases.scene import Scene
from tests.cases.source import Source
from tests.unit.media.making import set_rotation

Turn = Literal["none", "clockwise", "half", "counterclockwise", "mirror"]

_HD_HEIGHT = 720
# FFmpeg's numbers of the matrices that swscale knows.
_SWS_MATRIX = {"bt601": 5, "bt709": 1, "bt2020": 9}
# Display matrix (a b c d) of ISO/IEC 14496-12: x' = a·x + c·y, y' = b·x + d·y.
_DISPLAY: dict[Turn, tuple[int, int, int, int]] = {
    "clockwise": (0, 1, -1, 0),
    "half": (-1, 0, 0, -1),
    "counterclockwise": (0, -1, 1, 0),
    "mirror": (-1, 0, 0, 1),
}
_QUARTERS: dict[Turn, int] = {"clockwise": -1, "half": 2, "counterclockwise": 1}


@dataclass(frozen=True, eq=False)
class Clip(Source):
    """A clip of numbered pictures.

    Attributes:
        name: File name.
        scene: What it shows.
        count: Number of pictures.
        rate: Declared frame rate.
        codec: FFmpeg's encoder.
        pix_fmt: Pixel format to encode.
        options: Of the encoder.
        container: Options of the container.
        matrix: How colours become YUV: bt601, bt709 or bt2020; by the height where it is empty.
        full_range: Whether samples use all code values.
        tags: H.273 codes of primaries, transfer and matrix that the file states; 2 is unknown.
        sample_aspect: Width of a pixel over its height.
        turn: How players turn the stored pictures.
        ticks: When each picture is shown, in `time_base`; None for a constant rate.
        time_base: Of `ticks`.
        gop: Pictures between key frames.
        sound: A sound track.
    """

    name: str = "clip.mp4"
    scene: Scene = field(default_factory=Scene)
    count: int = 12
    rate: Fraction = Fraction(25)
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)
    container: Mapping[str, str] = field(default_factory=dict)
    matrix: str = ""
    full_range: bool = False
    tags: tuple[int, int, int] = (2, 2, 2)
    sample_aspect: Fraction | None = None
    turn: Turn = "none"
    ticks: Sequence[int] | None = None
    time_base: Fraction | None = None
    gop: int = 250
    sound: Recording | None = None

    def make(self, path: Path) -> None:
        with av.open(f"file:{path}", "w", container_options=dict(self.container)) as container:
            stream = self._add_stream(container)
            sound = add_sound(container, self.sound) if self.sound else iter(())
            for picture in self._pictures():
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
            for packet in sound:
                container.mux_one(packet)
        if self.turn != "none":
            set_rotation(path, _DISPLAY[self.turn])

    def upright(self, plane: NDArray[np.generic]) -> NDArray[np.generic]:
        """A stored plane as players show it."""
        if self.turn == "mirror":
            return plane[:, ::-1]
        return np.rot90(plane, _QUARTERS.get(self.turn, 0))

    def _stored(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self.turn == "mirror":
            return picture[:, ::-1]
        return np.rot90(picture, -_QUARTERS.get(self.turn, 0))

    def _add_stream(self, container: OutputContainer) -> VideoStream:
        added = container.add_stream(self.codec, self.rate, options=dict(self.options))
        stream = cast("VideoStream", added)
        stream.height, stream.width = self._stored(self.scene.picture(0)).shape[:2]
        stream.pix_fmt = self.pix_fmt
        context = stream.codec_context
        context.gop_size = self.gop
        context.time_base = self.time_base or 1 / self.rate
        context.color_primaries, context.color_trc, context.colorspace = self.tags
        if self.full_range:
            context.color_range = ColorRange.JPEG
        if self.sample_aspect:
            context.sample_aspect_ratio = self.sample_aspect
        return stream

    def _pictures(self) -> Iterator[av.VideoFrame]:
        for number in range(self.count):
            rgb = np.ascontiguousarray(self._stored(self.scene.picture(number)))
            frame = self._converted(av.VideoFrame.from_ndarray(rgb, "rgb24"))
            frame.pts = number if self.ticks is None else self.ticks[number]
            frame.time_base = self.time_base or 1 / self.rate
            yield frame

    def _usual_matrix(self) -> str:
        return "bt709" if self.scene.height >= _HD_HEIGHT else "bt601"

    def _converted(self, frame: av.VideoFrame) -> av.VideoFrame:
        if self.pix_fmt.startswith(("rgb", "gbr", "bgr", "pal")):
            return frame.reformat(format=self.pix_fmt)
        return frame.reformat(
            format=self.pix_fmt,
            dst_colorspace=_SWS_MATRIX[self.matrix or self._usual_matrix()],
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.JPEG if self.full_range else ColorRange.MPEG,
            interpolation=Interpolation.BICUBIC,
        )

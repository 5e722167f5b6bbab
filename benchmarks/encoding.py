"""Quality, size and work of every codec over presets and qualities.

    python -m benchmarks.encoding [VIDEO ...] [--codec hevc] [--preset veryfast] [--frames 60]

The first frames of each clip are encoded as the writer of results would, in one thread, and decoded
again. Per row: kilobits per second; PSNR and SSIM (Wang et al., 2004) of luma against the frames
that were given; encoded frames per second of CPU time.
"""

import argparse
import io
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast, get_args

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from orchestrator.media.encoder_options import PRESETS
from orchestrator.media.encoders import Codec, Encoding, choose_encoder
from orchestrator.media.frames import read_frames
from orchestrator.media.info import VideoInfo, probe_video
from orchestrator.media.orientation import UPRIGHT
from orchestrator.media.pixels import Planes, picture_of
from orchestrator.media.planes import Conversion

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "tests" / "data" / "portrait.mp4"
QUALITIES = {"h264": (16, 18, 20, 23), "hevc": (16, 18, 20, 23), "av1": (20, 24, 28, 32)}
USUAL_PRESETS = PRESETS[:6]
SSIM_EVERY = 6  # frames; it takes longer than encoding does
SSIM_WINDOW = (11, 11)
SSIM_SIGMA = 1.5
Luma = NDArray[np.float32]


@dataclass(frozen=True)
class Score:
    """What one encoding of one clip came to.

    Attributes:
        kilobits_per_s: Size of the pictures.
        psnr: Of luma over all frames, in dB.
        ssim: Mean of luma, 1 at best.
        fps: Encoded frames per second of CPU time.
    """

    kilobits_per_s: float
    psnr: float
    ssim: float
    fps: float


def encode(info: VideoInfo, frames: Sequence[Planes], encoding: Encoding) -> tuple[bytes, float]:
    """Encodes frames.

    Returns:
        An MP4 file, and the seconds of CPU time that it took.
    """
    encoder = choose_encoder(info, encoding, threads=1)
    file = io.BytesIO()
    start_s = time.process_time()
    with av.open(file, "w", "mp4") as container:
        added = container.add_stream(encoder.name, info.frame_rate, options=encoder.options)
        stream = cast("VideoStream", added)
        encoder.configure(stream.codec_context, info)
        for number, planes in enumerate(frames):
            picture = picture_of(planes, info.pixel_format)
            picture.pts, picture.time_base = number, 1 / info.frame_rate
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return file.getvalue(), time.process_time() - start_s


def score(info: VideoInfo, frames: Sequence[Planes], encoding: Encoding) -> Score:
    """Encodes frames and compares what a player would show."""
    data, cpu_s = encode(info, frames, encoding)
    errors, ssims = [], []
    for number, (planes, made) in enumerate(zip(frames, decode(info, data), strict=True)):
        a, b = (luma.astype(np.float32) for luma in (planes[0], made[0]))
        errors.append(float(np.mean((a - b) ** 2)))
        if number % SSIM_EVERY == 0:
            ssims.append(ssim(a, b, peak(info)))
    duration_s = float(len(frames) / info.frame_rate)
    return Score(
        kilobits_per_s=len(data) * 8 / 1000 / duration_s,
        psnr=float(10 * np.log10(peak(info) ** 2 / np.mean(errors))),
        ssim=float(np.mean(ssims)),
        fps=len(frames) / cpu_s,
    )


def decode(info: VideoInfo, data: bytes) -> Iterator[Planes]:
    """Decodes an encoded file to planes as they were given."""
    stored = Conversion(info.pixel_format, UPRIGHT, "left")
    with av.open(io.BytesIO(data), "r") as container:
        yield from map(stored.planes, container.decode(video=0))


def peak(info: VideoInfo) -> int:
    """The highest code."""
    return (1 << info.pixel_format.bits) - 1


def ssim(a: Luma, b: Luma, highest: int) -> float:
    """Mean structural similarity with the paper's Gaussian window and constants."""

    def mean(values: Luma) -> Luma:
        return np.asarray(cv2.GaussianBlur(values, SSIM_WINDOW, SSIM_SIGMA), np.float32)

    c1, c2 = (0.01 * highest) ** 2, (0.03 * highest) ** 2
    mean_a, mean_b = mean(a), mean(b)
    variances = mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    structure = (2 * covariance + c2) / (variances + c2)
    return float(np.mean(structure * (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)))


def rows(path: Path, encodings: Iterable[Encoding], count: int) -> Iterator[str]:
    """One line per encoding."""
    info = probe_video(path)
    frames = [frame.planes for frame in islice(read_frames(info), count)]
    yield f"\n{path.name}: {info.width}x{info.height}, {len(frames)} frames"
    yield "codec preset     crf  kbit/s  PSNR-Y    SSIM  fps/CPU"
    for encoding in encodings:
        made = score(info, frames, encoding)
        yield (
            f"{encoding.codec:5} {encoding.preset:10}{encoding.crf:4}{made.kilobits_per_s:8.0f}"
            f"{made.psnr:8.2f}{made.ssim:8.4f}{made.fps:9.1f}"
        )


def main() -> None:
    """Prints a table per clip."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="*", type=Path, default=[SAMPLE])
    parser.add_argument("--codec", action="append", choices=get_args(Codec))
    parser.add_argument("--preset", action="append", choices=PRESETS)
    parser.add_argument("--crf", action="append", type=int)
    parser.add_argument("--frames", type=int, default=60)
    given = parser.parse_args()
    encodings = [
        Encoding(codec, crf, preset)
        for codec in given.codec or get_args(Codec)
        for preset in given.preset or USUAL_PRESETS
        for crf in given.crf or QUALITIES[codec]
    ]
    cv2.setNumThreads(1)
    for path in given.videos:
        for row in rows(path, encodings, given.frames):
            print(row, flush=True)


if __name__ == "__main__":
    main()

"""A moment of a job, side by side: the source, the result, where it was painted, and the face."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import ceil, floor

from client.errors import InputError, OutputError
from orchestrator.media.playback import played
from orchestrator.media.still import SUFFIXES, is_still
from orchestrator.media.writer import check_file, frames_for
from orchestrator.pipeline.compare import Comparison, check_comparison, compared
from orchestrator.pipeline.progress import Progress
from orchestrator.pipeline.showing import Showing
from orchestrator.pipeline.take import Take
from orchestrator.pipeline.work import Request, Source, Work, begun
from orchestrator.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What of the output to show.

    Attributes:
        at_s: Where it begins; None chooses: for a still the moment in which the mouth is open most
            widely, for a clip the start.
        duration_s: How long a clip is; a still is one frame.
        whole: Whether whole pictures are shown, not only the faces.
        comparison: Another version of a model whose result is shown as well.
    """

    at_s: Fraction | None = None
    duration_s: Fraction = Fraction(3)
    whole: bool = False
    comparison: Comparison | None = None


@dataclass(frozen=True)
class Preview:
    """What was written.

    Attributes:
        at_s: Where in the output it begins.
        frames: Number of pictures.
        panels: Titles of the panels, from the left.
        width: Of all panels together, in pixels.
        height: Of a panel with its title, in pixels.
    """

    at_s: Fraction
    frames: int
    panels: Sequence[str]
    width: int
    height: int


async def preview(
    request: Request, piece: Piece, settings: Settings, progress: Progress
) -> Preview:
    """Makes a still or a clip of some moments of the video that a job would make.

    The job is prepared as a whole, so that what is shown is what would come out.

    Raises:
        LipSyncError: With one sentence that says what is wrong; no output is left behind.
    """
    _check(request, piece, settings)
    source = Source.of(request, settings)
    async with begun(request, source, settings, progress) as work:
        showing = await _prepared(work, piece)
        with work.stage("speak"):
            layout, written = await showing.write()
        width, height = layout.size
        at_s = showing.first / source.video.frame_rate
        return Preview(at_s, written.frames, showing.titles, width, height)


def _check(request: Request, piece: Piece, settings: Settings) -> None:
    """Checks what can be known before anything is started."""
    if not is_still(request.output) and request.output.suffix.lower() != ".mp4":
        raise OutputError(
            f"{request.output} is neither a picture nor an MP4: give an output name that ends in "
            f"{', '.join(SUFFIXES)} or .mp4."
        )
    check_file(request.output, request.video, request.audio)
    if piece.comparison is not None:
        check_comparison(piece.comparison, request, settings)


async def _prepared(work: Work, piece: Piece) -> Showing:
    """Does what every job does before it makes a frame, for each of its takes."""
    comparison, video = piece.comparison, work.source.video
    other = None if comparison is None else await compared(work, comparison)
    speech = await work.hear()
    total = frames_for(speech.duration_s, video.frame_rate)
    order = list(islice(played(video, work.settings.when_longer), total))
    at_s = Fraction(0) if piece.at_s is None else piece.at_s
    first = position(at_s, video.frame_rate, len(order))
    takes = [Take(work, speech, await work.look(total))]
    if other is not None and comparison is not None:
        takes.append(await takes[0].anew(other, comparison.role, total))
    still = is_still(work.request.output)
    if still and piece.at_s is None:
        first = takes[0].widest(order)
    count = 1 if still else ceil(piece.duration_s * video.frame_rate)
    return Showing(
        takes,
        first,
        order[first : first + count],
        whole=piece.whole,
        role=None if comparison is None else comparison.role,
    )


def position(at_s: Fraction, frame_rate: Fraction, total: int) -> int:
    """The frame of the output that is shown at a time.

    Raises:
        InputError: If the output of `total` frames is over by then.
    """
    first = floor(at_s * frame_rate)
    if first >= total:
        raise InputError(
            f"The video would be {float(total / frame_rate):.2f} s long: there is nothing to show "
            f"at {float(at_s):g} s."
        )
    return first

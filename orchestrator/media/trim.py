"""The part of a clip that is used."""

from dataclasses import replace
from fractions import Fraction
from math import floor

from client.errors import InputError
from orchestrator.media.info import VideoInfo


def trimmed(info: VideoInfo, start_s: Fraction, duration_s: Fraction | None) -> VideoInfo:
    """Leaves out what comes before and after a part of a clip.

    Args:
        info: From `probe_video`.
        start_s: The part starts with the frame that is shown at this time.
        duration_s: Length of the part, to the nearest frame and at most to the end of the clip;
            None is all of the rest.

    Returns:
        The same clip with other `first_frame` and `frame_count`; `read_frames` and `play` give
        frames of the part alone, numbered from 0.

    Raises:
        InputError: If the part starts behind the end or holds no frame, or it is a photo.
    """
    if not start_s and duration_s is None:
        return info
    if info.is_photo:
        raise InputError(f"{info.path} is a photo, of which no part can be used: give a clip.")
    first = floor(start_s * info.frame_rate)
    if not 0 <= first < info.frame_count:
        raise InputError(
            f"{info.path} is {float(info.duration_s):.2f} s long: start before its end."
        )
    rest = info.frame_count - first
    count = rest if duration_s is None else min(rest, round(duration_s * info.frame_rate))
    if count < 1:
        raise InputError(
            f"{info.path} has a frame every {float(1 / info.frame_rate):.3f} s: use a longer part."
        )
    return replace(info, first_frame=info.first_frame + first, frame_count=count)

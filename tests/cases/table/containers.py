"""Containers of clips."""

from fractions import Fraction

from tests.cases.case import FRAMES, Case, Made, Refused
from tests.cases.clips import Clip
from tests.cases.files import Changed, Joined, Trimmed
from tests.cases.recordings import Recording
from tests.cases.scene import Face, Scene

_FINE = {"qscale": "2"}
_TS_PACKET = 188
_LATE = [1000 + 40 * number for number in range(12)]


def _without_start(stream: bytes) -> bytes:
    """A transport stream from its sixth packet on after the first tables."""
    return stream[: 3 * _TS_PACKET] + stream[8 * _TS_PACKET :]


CASES = [
    Case(name="MP4", what="H.264 with B-frames"),
    Case(
        name="MP4 in fragments",
        what="as cameras and streams write it",
        video=Clip(container={"movflags": "frag_keyframe+empty_moov"}),
    ),
    Case(name="MP4 with its index in front", video=Clip(container={"movflags": "faststart"})),
    Case(name="QuickTime", video=Clip("clip.mov")),
    Case(name="Matroska", video=Clip("clip.mkv")),
    Case(name="WebM", what="VP9", video=Clip("clip.webm", codec="libvpx-vp9")),
    Case(
        name="recorded in a browser",
        what="WebM, VP8, that does not know its length",
        video=Clip("clip.webm", codec="libvpx", container={"live": "1"}),
    ),
    Case(
        name="AVI",
        what="MPEG-4, as DivX files",
        video=Clip("clip.avi", codec="mpeg4", options=_FINE),
    ),
    Case(
        name="AVI with B-frames",
        what="H.264; the container has no display times",
        video=Clip("clip.avi", options={"bf": "2"}),
    ),
    Case(name="MPEG transport stream", video=Clip("clip.ts")),
    Case(
        name="AVCHD",
        what="transport stream with time stamps in front, .m2ts",
        video=Clip("clip.m2ts"),
    ),
    Case(name="MPEG program stream", what="MPEG-2", video=Clip("clip.mpg", codec="mpeg2video")),
    Case(
        name="DVD",
        what="MPEG-2, pixels of a wide picture",
        video=Clip("clip.vob", codec="mpeg2video", sample_aspect=Fraction(4, 3)),
        expected=Made(sample_aspect=Fraction(4, 3)),
    ),
    Case(name="Flash video", video=Clip("clip.flv")),
    Case(name="3GP", what="MPEG-4 part 2", video=Clip("clip.3gp", codec="mpeg4", options=_FINE)),
    Case(name="Windows media", what="WMV 8", video=Clip("clip.wmv", codec="wmv2")),
    Case(name="ASF", what="MPEG-4 version 3", video=Clip("clip.asf", codec="msmpeg4")),
    Case(name="MXF", what="MPEG-2", video=Clip("clip.mxf", codec="mpeg2video")),
    Case(
        name="GIF in motion",
        what="palette; hundredths of a second per picture",
        video=Clip("clip.gif", codec="gif", pix_fmt="rgb8"),
        expected=Made(colour_error=40, tags=(1, 1, 1)),
    ),
    Case(
        name="starts at one second",
        what="Matroska whose first picture is due at 1 s",
        video=Clip("clip.mkv", ticks=_LATE, time_base=Fraction(1, 1000)),
    ),
    Case(
        name="transport stream with late clock",
        what="as cut from a broadcast",
        video=Clip("clip.ts", container={"output_ts_offset": "95000"}),
    ),
    Case(
        name="trimmed on the phone",
        what="an edit list hides the first 5 pictures",
        video=Trimmed(Clip(count=24), "clip.mov", Fraction(1, 5)),
        expected=Made(shown=range(5, 5 + FRAMES)),
    ),
    Case(
        name="recording began in mid-stream",
        what="no key frame before picture 10",
        video=Changed(Clip("clip.ts", count=30, gop=10), "clip.ts", _without_start),
        expected=Made(shown=range(10, 10 + FRAMES)),
    ),
    Case(
        name="another size in the middle",
        what="as calls are recorded",
        video=Joined(
            [
                Clip("clip.ts"),
                Clip(
                    "clip.ts",
                    Scene(320, 240, (Face(120, 60, 144),)),
                    ticks=range(12, 24),
                    time_base=Fraction(1, 25),
                ),
            ],
            "clip.ts",
        ),
        expected=Refused("changes its size"),
    ),
    Case(
        name="two streams joined",
        what="the clock starts anew in the middle",
        video=Joined([Clip("clip.ts"), Clip("clip.ts")], "clip.ts"),
        expected=Made(shown=[*range(12), 0, 1]),
    ),
    Case(
        name="a clip with sound",
        what="its sound is replaced by the recording",
        video=Clip(sound=Recording(codec="aac", rate=48000, layout="stereo")),
    ),
    Case(
        name="an MP4 named .avi",
        what="the content counts",
        video=Changed(Clip(), "clip.avi", lambda data: data),
    ),
]

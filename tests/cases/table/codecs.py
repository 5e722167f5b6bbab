"""Codecs of clips."""

from fractions import Fraction

from tests.cases.case import FRAMES, Case, Made, bounce
from tests.cases.clips import Clip
from tests.cases.scene import Face, Scene

_HD = Scene(1280, 720, (Face(500, 100, 500),))
_PAL = Scene(720, 576, (Face(250, 60, 400),))

CASES = [
    Case(name="H.264 without B-frames", video=Clip(options={"bf": "0"})),
    Case(
        name="H.264 interlaced",
        what="its fields stay as they are",
        video=Clip(options={"x264-params": "interlaced=1"}),
    ),
    Case(name="H.264, every picture a key frame", video=Clip(gop=1)),
    Case(
        name="HEVC",
        what="as iPhones record it",
        video=Clip("clip.mov", codec="libx265", options={"x265-params": "log-level=none"}),
    ),
    Case(name="AV1", video=Clip(codec="libsvtav1", options={"preset": "10"})),
    Case(name="VP8", video=Clip("clip.webm", codec="libvpx")),
    Case(name="VP9", video=Clip("clip.mp4", codec="libvpx-vp9")),
    Case(name="MPEG-4 part 2", video=Clip(codec="mpeg4", options={"qscale": "2", "bf": "2"})),
    Case(name="MPEG-2", video=Clip("clip.ts", codec="mpeg2video", options={"bf": "2"})),
    Case(name="MPEG-1", video=Clip("clip.mpg", codec="mpeg1video")),
    Case(
        name="Motion JPEG",
        what="full range, as webcams",
        video=Clip("clip.avi", codec="mjpeg", pix_fmt="yuvj420p", full_range=True),
        expected=Made(full_range=True),
    ),
    Case(
        name="ProRes 422",
        what="10 bit",
        video=Clip("clip.mov", codec="prores_ks", pix_fmt="yuv422p10le"),
        expected=Made(pixel_format="yuv422p10le"),
    ),
    Case(
        name="DNxHR",
        what="1280×720, 4:2:2",
        video=Clip(
            "clip.mov",
            _HD,
            6,
            codec="dnxhd",
            pix_fmt="yuv422p",
            matrix="bt709",
            options={"profile": "dnxhr_sq"},
        ),
        expected=Made(size=(1280, 720), pixel_format="yuv422p", shown=bounce(6, FRAMES)),
    ),
    Case(
        name="DV",
        what="PAL, pixels wider than high",
        video=Clip("clip.avi", _PAL, 6, codec="dvvideo"),
        expected=Made(size=(720, 576), shown=bounce(6, FRAMES), sample_aspect=Fraction(16, 15)),
    ),
    Case(name="FFV1", what="lossless", video=Clip("clip.mkv", codec="ffv1")),
    Case(
        name="PNG pictures in QuickTime",
        what="RGB",
        video=Clip("clip.mov", codec="png", pix_fmt="rgb24"),
        expected=Made(tags=(1, 1, 1)),
    ),
    Case(
        name="raw video",
        what="uncompressed AVI",
        video=Clip("clip.avi", codec="rawvideo", pix_fmt="yuv420p"),
    ),
]

"""Files that were cut short, are something else, or are not there."""

import zlib
from fractions import Fraction
from io import BytesIO
from zipfile import ZipFile

from tests.cases.case import FRAMES, Case, Made, Refused
from tests.cases.clips import Clip
from tests.cases.files import Bytes, Changed, Folder, Missing, Pipe, Truncated
from tests.cases.photos import Photo
from tests.cases.recordings import SPOKEN_S, Recording

_TENTHS = [Fraction(tenth, 10) for tenth in range(1, 10)]
_UNREADABLE = "is damaged or cut short|cannot be opened"
_SHORT_SOUND = "is damaged or cut short|cannot be opened|promises .* and holds"


def _clip(name: str, **container: str) -> Clip:
    return Clip(name, count=100, options={"preset": "ultrafast"}, container=container)


def _cut_clips(what: str, clip: Clip) -> list[Case]:
    return [
        Case(
            name=f"{what} cut at {float(kept):.0%}",
            video=Truncated(clip, clip.name, kept),
            expected=Refused(_UNREADABLE),
        )
        for kept in _TENTHS
    ]


def _cut_sounds(what: str, recording: Recording) -> list[Case]:
    return [
        Case(
            name=f"{what} cut at {float(kept):.0%}",
            audio=Truncated(recording, recording.name, kept),
            expected=Refused(_SHORT_SOUND, "audio"),
        )
        for kept in _TENTHS
    ]


def _zip() -> bytes:
    memory = BytesIO()
    with ZipFile(memory, "w") as archive:
        archive.writestr("notes.txt", "nothing to see")
    return memory.getvalue()


_PDF = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"
_SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='99' height='99'><rect/></svg>\n"
_PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nclip.ts\n#EXT-X-ENDLIST\n"
_OTHERS = {
    "text": b"dear diary\n" * 200,
    "JSON": b'{"frames": [1, 2, 3]}\n' * 50,
    "web page": b"<!doctype html><html><body>404</body></html>\n" * 20,
    "PDF": _PDF,
    "zip": _zip(),
    "SVG": _SVG,
    "subtitles": b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 20,
    "playlist": _PLAYLIST,
    "list of files": b"ffconcat version 1.0\nfile clip.ts\n",
    "noise": zlib.compress(bytes(range(256)) * 999, 9) * 9,
    "zeros": bytes(10_000),
}


def _renamed(what: str, data: bytes) -> list[Case]:
    return [
        Case(
            name=f"{what} as .mp4",
            video=Bytes("clip.mp4", data),
            expected=Refused("cannot be opened"),
        ),
        Case(
            name=f"{what} as .wav",
            audio=Bytes("speech.wav", data),
            expected=Refused("cannot be opened", "audio"),
        ),
    ]


def _absent(source: type[Missing] | type[Folder] | type[Pipe], name: str, why: str) -> list[Case]:
    return [
        Case(name=f"{name} as the clip", video=source("clip.mp4"), expected=Refused(why)),
        Case(
            name=f"{name} as the recording",
            audio=source("speech.wav"),
            expected=Refused(why, "audio"),
        ),
    ]


def _damaged(data: bytes) -> bytes:
    """Noise over 3000 bytes in the middle."""
    middle = len(data) // 2
    return data[:middle] + (_OTHERS["noise"] * 9)[:3000] + data[middle + 3000 :]


_FINE = Clip(count=20, options={"qp": "1"})

CUT = [
    *_cut_clips("MP4, index in front,", _clip("clip.mp4", movflags="faststart")),
    *_cut_clips("MP4, index behind,", _clip("clip.mp4")),
    *_cut_clips("Matroska", _clip("clip.mkv")),
    *_cut_sounds("WAV", Recording(length_s=Fraction(4), rate=48000)),
    *_cut_sounds("AAC in MP4", Recording("speech.m4a", Fraction(6), 48000, "aac")),
    *_cut_sounds("FLAC", Recording("speech.flac", Fraction(7), 48000, "flac")),
]

_HALF = Fraction(1, 2)

HALVES = [
    Case(
        name="transport stream cut in half",
        what="nothing says how much there was",
        video=Truncated(_clip("clip.ts"), "clip.ts", _HALF),
        expected=Made(shown=range(FRAMES)),
    ),
    *(
        Case(
            name=f"{clip.name} cut in half",
            video=Truncated(clip, clip.name, _HALF),
            expected=Refused(_UNREADABLE),
        )
        for clip in (_clip("clip.flv"), Clip("clip.avi", count=100, codec="mpeg4"))
    ),
    *(
        Case(
            name=f"{recording.name} cut in half",
            audio=Truncated(recording, recording.name, _HALF),
            expected=Refused(_SHORT_SOUND, "audio"),
        )
        for recording in (
            Recording("speech.mp3", 2 * SPOKEN_S, 48000, "libmp3lame"),
            Recording("speech.aac", 2 * SPOKEN_S, 48000, "aac"),
            Recording("speech.ogg", 2 * SPOKEN_S, 48000, "libvorbis"),
        )
    ),
]

OTHERS = [case for what, data in _OTHERS.items() for case in _renamed(what, data)] + [
    *_absent(Missing, "a missing file", "cannot be found"),
    *_absent(Folder, "a folder", "is a folder"),
    *_absent(Pipe, "a pipe", "not a regular file"),
    Case(name="an empty clip", video=Bytes("clip.mp4", b""), expected=Refused("is empty")),
    Case(
        name="an empty recording",
        audio=Bytes("speech.wav", b""),
        expected=Refused("is empty", "audio"),
    ),
    Case(
        name="a clip damaged in the middle",
        video=Changed(_FINE, "clip.mp4", _damaged),
        expected=Refused("is damaged"),
    ),
    Case(
        name="a JPEG cut in half",
        video=Truncated(
            Photo("photo.jpg", codec="mjpeg", pix_fmt="yuvj420p"), "photo.jpg", Fraction(1, 2)
        ),
        expected=Refused("is damaged"),
    ),
    Case(
        name="a PNG cut in half",
        video=Truncated(Photo(), "photo.png", Fraction(1, 2)),
        expected=Refused("is damaged"),
    ),
]

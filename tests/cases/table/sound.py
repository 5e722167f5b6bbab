"""Recordings."""

from collections.abc import Mapping
from fractions import Fraction

from tests.cases.case import FRAMES, Case, Made, Refused, bounce, short
from tests.cases.clips import Clip
from tests.cases.files import Changed, Joined
from tests.cases.photos import Photo
from tests.cases.recordings import SPOKEN_S, Recording

_ONE_SAMPLE = Fraction(1, 22050)
# Where the last packet is whole, nothing in the file says that speech ends in it.
_PADDED = FRAMES + 1


def _wav(
    codec: str, rate: int, layout: str = "mono", channels: int = 1, *, frames: int = FRAMES
) -> Case:
    return Case(
        name=f"WAV {codec}, {rate} Hz, {layout}",
        audio=Recording("speech.wav", SPOKEN_S, rate, codec, layout),
        expected=Made(
            frames=frames,
            shown=bounce(12, frames),
            sample_rate=_aac_rate(rate),
            channels=channels,
        ),
    )


def _aac_rate(rate: int) -> int:
    return rate if rate in (44100, 88200, 96000) else 48000


def _coded(
    name: str,
    codec: str,
    file: str,
    rate: int = 48000,
    layout: str = "mono",
    *,
    frames: int = FRAMES,
    copied: bool = False,
    options: Mapping[str, str] | None = None,
) -> Case:
    """A coded recording; `frames` covers its padding where the file does not say how long it is."""
    sound = {"libmp3lame": "mp3"}.get(codec, codec) if copied else "aac"
    return Case(
        name=name,
        audio=Recording(file, SPOKEN_S, rate, codec, layout, options=options or {}),
        expected=Made(
            frames=frames,
            shown=bounce(12, frames),
            sound=sound,
            copied=copied,
            sample_rate=rate if copied else _aac_rate(rate),
            channels=2 if layout == "stereo" else 1,
        ),
    )


def _brief(name: str, length_s: Fraction, frames: int) -> Case:
    expected = Made(frames=frames, shown=bounce(12, frames))
    return Case(name=name, audio=short(length_s), expected=expected)


def _without_samples(wav: bytes) -> bytes:
    return wav[: wav.index(b"data")] + b"data" + bytes(4)


def _streamed(wav: bytes) -> bytes:
    size = wav.index(b"data") + 4
    return wav[:size] + b"\xff" * 4 + wav[size + 4 :]


_MP3 = Recording("speech.mp3", rate=48000, codec="libmp3lame")

CASES = [
    *(_wav("pcm_s16le", rate) for rate in (8000, 16000, 44100, 48000, 96000, 192000)),
    _wav("pcm_u8", 11025),
    _wav("pcm_s24le", 48000, "stereo", 2),
    _wav("pcm_s32le", 88200),
    _wav("pcm_f32le", 48000),
    _wav("pcm_f64le", 44100),
    _wav("pcm_mulaw", 8000),
    _wav("adpcm_ima_wav", 22050, frames=17),
    _wav("pcm_s16le", 48000, "5.1", 6),
    _wav("pcm_s16le", 48000, "7.1", 8),
    _coded("MP3", "libmp3lame", "speech.mp3", 44100, copied=True),
    _coded("MP3, stereo", "libmp3lame", "speech.mp3", 44100, "stereo", copied=True),
    _coded("MP3, 16 kHz", "libmp3lame", "speech.mp3", 16000, copied=True),
    _coded("AAC", "aac", "speech.m4a", 44100, "stereo", copied=True),
    _coded("AAC, 16 kHz", "aac", "speech.m4a", 16000, copied=True),
    _coded("AAC, 32 kHz", "aac", "speech.mp4", 32000, copied=True),
    _coded("AAC stream", "aac", "speech.aac", frames=_PADDED, copied=True),
    _coded("Opus", "libopus", "speech.opus"),
    _coded("Opus in WebM", "libopus", "speech.webm"),
    _coded("a voice message", "libopus", "speech.ogg", 16000),
    Case(
        name="recorded in a browser",
        what="WebM that does not know its length",
        audio=Recording("speech.webm", rate=48000, codec="libopus", container={"live": "1"}),
    ),
    _coded("Vorbis", "libvorbis", "speech.ogg", 44100, "stereo"),
    _coded("FLAC", "flac", "speech.flac", 44100),
    _coded("FLAC in Ogg", "flac", "speech.oga", 44100),
    _coded("Apple Lossless", "alac", "speech.m4a", 44100),
    _coded("AC-3", "ac3", "speech.ac3", frames=_PADDED),
    _coded("E-AC-3", "eac3", "speech.eac3", frames=_PADDED),
    _coded("Windows media", "wmav2", "speech.wma", 44100, options={"b": "128000"}),
    _coded("AMR", "libopencore_amrnb", "speech.amr", 8000, frames=_PADDED),
    _coded("AMR in 3GP", "libopencore_amrnb", "speech.3gp", 8000),
    _coded("MP2", "mp2", "speech.mp2", frames=_PADDED),
    _coded("AIFF", "pcm_s16be", "speech.aiff", 44100),
    _coded("Sun AU", "pcm_mulaw", "speech.au", 8000),
    _coded("Core Audio", "pcm_s16le", "speech.caf"),
    _coded("WavPack", "wavpack", "speech.wv"),
    _coded("Matroska", "pcm_s16le", "speech.mka"),
    _coded("QuickTime", "pcm_s16be", "speech.mov"),
    Case(
        name="the sound of another video",
        what="MP4",
        audio=Clip("speaker.mp4", count=20, sound=Recording(codec="aac", rate=44100)),
        expected=Made(sample_rate=44100, copied=True),
    ),
    Case(
        name="the sound of a transport stream",
        what="its clock starts at 1.4 s",
        audio=Clip("speaker.ts", count=20, sound=Recording(codec="aac", rate=48000)),
        expected=Made(frames=_PADDED, shown=bounce(12, _PADDED), copied=True),
    ),
    Case(
        name="clip and recording are the same file",
        video=Clip(count=20, sound=Recording(codec="aac", rate=48000)),
        audio=None,
        expected=Made(shown=range(FRAMES), copied=True),
    ),
    _brief("as long as one frame", Fraction(1, 25), 1),
    _brief("10 ms", Fraction(1, 100), 1),
    Case(
        name="one sample",
        what="less than the speech model's rate can hold",
        audio=short(_ONE_SAMPLE),
        expected=Refused("sound of no length", "audio"),
    ),
    Case(name="silence", audio=Recording(gain=0), expected=Made(), note="is very quiet"),
    Case(
        name="a WAV without samples",
        audio=Changed(Recording(), "speech.wav", _without_samples),
        expected=Refused("sound of no length|is empty|no sound", "audio"),
    ),
    Case(
        name="a streamed WAV",
        what="its header does not know the length, as from a pipe",
        audio=Changed(Recording(), "speech.wav", _streamed),
    ),
    Case(
        name="two MP3s joined",
        what="tags of the second are no sound",
        audio=Joined([_MP3, _MP3], "speech.mp3"),
        expected=Made(frames=2 * FRAMES + 2, shown=bounce(12, 2 * FRAMES + 2)),
    ),
    Case(
        name="a WAV named .mp3",
        what="the content counts",
        audio=Changed(Recording(), "speech.mp3", lambda data: data),
    ),
    Case(
        name="a clip without sound as the recording",
        audio=Clip("silent.mp4"),
        expected=Refused("has no sound in it", "audio"),
    ),
    Case(
        name="a photo as the recording",
        audio=Photo("photo.png"),
        expected=Refused("has no sound in it", "audio"),
    ),
    Case(
        name="a recording as the clip",
        video=Recording("speaker.wav"),
        expected=Refused("has no video in it"),
    ),
]

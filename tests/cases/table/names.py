"""Names of files."""

from tests.cases.case import FRAMES, Case, Made, Refused
from tests.cases.clips import Clip
from tests.cases.files import Missing, Renamed
from tests.cases.photos import Photo
from tests.cases.recordings import Recording

_NAMES = {
    "spaces": "my clip of today",
    "quotes": 'it\'s "me"',
    "emoji": "😀 talking",
    "Chinese": "说话",
    "Arabic": "يتكلم",
    "a dash in front": "-clip",
    "a percent sign": "take %03d 100%",
    "a colon": "take:2",
    "brackets and a star": "[take] *?",
    "a backslash": "a\\b",
    "a line break": "two\nlines",
    "a dollar sign": "$HOME `x`",
    "no ending": "",
    "200 letters": "x" * 200,
}


def _named(what: str, stem: str) -> Case:
    return Case(
        name=what,
        what="clip, recording and result",
        video=Renamed(Clip(), f"{stem}.mp4" if stem else "clip"),
        audio=Renamed(Recording(), f"{stem}.wav" if stem else "speech"),
        output=f"{stem or 'result'}.mp4",
    )


CASES = [
    *(_named(what, stem) for what, stem in _NAMES.items()),
    Case(
        name="a photo with a pattern",
        video=Photo("me %03d [1].png"),
        expected=Made(shown=[0] * FRAMES),
    ),
    Case(name="result in capitals", output="RESULT.MP4"),
    Case(
        name="a missing file with a line break",
        what="the error is one line",
        video=Missing("two\nlines.mp4"),
        expected=Refused("cannot be found", ""),
    ),
    Case(
        name="a missing file in Chinese",
        video=Missing("说话 😀.mp4"),
        expected=Refused("cannot be found"),
    ),
    Case(name="a result that is no MP4", output="result.mkv", expected=Refused("not an MP4", "")),
    Case(
        name="a result without an ending",
        output="result",
        replaces=False,
        expected=Refused("not an MP4", ""),
    ),
    Case(
        name="a result in no folder",
        output="nowhere/result.mp4",
        replaces=False,
        expected=Refused("does not exist", ""),
    ),
    Case(
        name="a result that replaces the clip",
        output="../given/clip.mp4",
        replaces=False,
        expected=Refused("also an input", ""),
    ),
    Case(
        name="a result that replaces the recording",
        audio=Clip("speech.mp4", sound=Recording(codec="aac", rate=48000)),
        output="../given/speech.mp4",
        replaces=False,
        expected=Refused("also an input", ""),
    ),
    Case(
        name="a result whose name is too long",
        output="x" * 252 + ".mp4",
        replaces=False,
        expected=Refused("cannot be written", ""),
    ),
]

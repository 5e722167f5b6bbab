"""What a file says of itself, as far as MP4 has a place for it."""

import re
from collections.abc import Mapping

from av.audio.stream import AudioStream
from av.container import Container
from av.video.stream import VideoStream

Metadata = Mapping[str, str]

# FFmpeg's names. What tells of the old file rather than of its content is not among them.
_KEPT = frozenset(
    (
        "album",
        "album_artist",
        "artist",
        "comment",
        "composer",
        "copyright",
        "creation_time",
        "date",
        "description",
        "episode_id",
        "genre",
        "grouping",
        "keywords",
        "location",
        "lyrics",
        "network",
        "show",
        "synopsis",
        "title",
    )
)
_KEPT_OF_STREAM = frozenset(("creation_time", "handler_name", "language"))
_OTHER_NAMES = {
    "author": "artist",
    "com.apple.quicktime.artist": "artist",
    "com.apple.quicktime.author": "artist",
    "com.apple.quicktime.comment": "comment",
    "com.apple.quicktime.copyright": "copyright",
    "com.apple.quicktime.creationdate": "date",
    "com.apple.quicktime.description": "description",
    "com.apple.quicktime.location.iso6709": "location",
    "com.apple.quicktime.title": "title",
}
# FFmpeg writes a wrong place or time for anything else.
_FORMS = {
    "creation_time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*"),
    "location": re.compile(r"([+-]\d+(\.\d+)?){2,3}/?"),
}


def container_metadata(container: Container) -> Metadata:
    """Title, author, date, place and the like of a file."""
    return _kept(container.metadata, _KEPT)


def stream_metadata(stream: VideoStream | AudioStream) -> Metadata:
    """Language and names of a stream."""
    return _kept(stream.metadata, _KEPT_OF_STREAM)


def _kept(metadata: Metadata, names: frozenset[str]) -> Metadata:
    lower = {key.lower(): value for key, value in metadata.items()}  # Matroska's are upper case
    other = {own: lower[name] for name, own in _OTHER_NAMES.items() if name in lower}
    return {name: value for name, value in (other | lower).items() if _fits(name, value, names)}


def _fits(name: str, value: str, names: frozenset[str]) -> bool:
    form = _FORMS.get(name)
    return name in names and (form is None or form.fullmatch(value) is not None)

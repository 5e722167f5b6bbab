"""Picture formats that users bring and FFmpeg cannot decode, told by their first bytes."""

from pathlib import Path

from client.errors import MediaError
from orchestrator.media.opening import first_bytes

_HEAD_BYTES = 32
_JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL ")
_WEBP_ANIMATION = 0x02  # in the flags of the VP8X chunk, WebP Container Specification


def refuse_unreadable_picture(path: Path) -> None:
    """Checks that a file is none of these.

    Raises:
        InputError: If there is no such file, or nothing in it.
        MediaError: If it is one of them.
    """
    head = first_bytes(path, _HEAD_BYTES)
    if head.startswith(_JPEG_XL):
        raise MediaError(f"{path} is a JPEG XL picture, which cannot be read: save it as JPEG.")
    if _is_animated_webp(head):
        raise MediaError(f"{path} is an animated WebP, which cannot be read: save it as GIF.")


def _is_animated_webp(head: bytes) -> bool:
    flags = int.from_bytes(head[20:21], "big")
    extended = head.startswith(b"RIFF") and head[8:16] == b"WEBPVP8X"
    return extended and bool(flags & _WEBP_ANIMATION)

"""Whether a JPEG is whole: FFmpeg shows half of one without a word."""

import re
from pathlib import Path

_END = 0xD9
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))  # TEM, restarts and the start
# Within a scan, 0xFF 0x00 is a sample, restarts go on, and more 0xFF only fill.
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")


def is_whole(path: Path) -> bool:
    """Follows the markers of a JPEG (ITU-T T.81, annex B) to the one that ends its picture.

    What phones and cameras append after it does not count.
    """
    data = path.read_bytes()
    place = 0
    while marker := _MARKER.search(data, place):
        code = marker.group(1)[0]
        if code == _END:
            return True
        place = marker.end()
        if code not in _WITHOUT_LENGTH:
            place += int.from_bytes(data[place : place + 2], "big")
    return False

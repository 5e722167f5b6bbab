"""All cases by group, in the order of the report."""

from tests.cases.case import Case
from tests.cases.table import (
    broken,
    codecs,
    containers,
    names,
    options,
    photos,
    pixels,
    rates,
    shapes,
    sound,
)

GROUPS: dict[str, list[Case]] = {
    "Containers": containers.CASES,
    "Codecs": codecs.CASES,
    "Frame rates": rates.CASES,
    "Orientation, size, shape of pixels": shapes.CASES,
    "Depth, subsampling, range, matrix": pixels.CASES,
    "Photos": photos.CASES,
    "Recordings": sound.CASES,
    "Cut short": broken.CUT + broken.HALVES,
    "Something else, damaged, not there": broken.OTHERS,
    "Names": names.CASES,
    "Options: clip and recording": options.TIMING,
    "Options: encoding": options.ENCODING,
    "Options: faces": options.FACES,
}

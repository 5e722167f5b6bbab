"""All cases by group, in the order of the report."""

from tests.cases.case import Case
from tests.cases.table import codecs, containers, photos, pixels, rates, shapes

GROUPS: dict[str, list[Case]] = {
    "Containers": containers.CASES,
    "Codecs": codecs.CASES,
    "Frame rates": rates.CASES,
    "Orientation, size, shape of pixels": shapes.CASES,
    "Depth, subsampling, range, matrix": pixels.CASES,
    "Photos": photos.CASES,
}

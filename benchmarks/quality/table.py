"""The figures as text, and which aims they keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.quality.measure import SOURCE, Figures

HEAD: Final = (
    f"{'':26}{'shut':>6}{'of':>4}{'open':>7}{'half':>6}{'narrow':>8}{'m b p':>7}{'order':>7}"
    f"{'offset':>8}{'corr':>6}{'rest':>6}{'sharp':>7}{'seam':>6}{'tremble':>9}{'stray':>7}"
    f"{'identity':>10}"
)


@dataclass(frozen=True)
class Aim:
    """A limit that every pair should keep."""

    text: str
    kept: Callable[[Figures], bool]
    of: Callable[[Figures], float]


AIMS: Final = (
    Aim("m, b, p shut, 0.95 at least", lambda f: f.mouth.shut >= 0.95, lambda f: f.mouth.shut),
    Aim("vowels in order", lambda f: f.mouth.ordered, lambda f: float(f.mouth.ordered)),
    Aim(
        "offset within a frame",
        lambda f: abs(f.mouth.offset_frames) <= 1,
        lambda f: f.mouth.offset_frames,
    ),
    Aim(
        "rest error, 0.05 at most",
        lambda f: not f.mouth.rest_error > 0.05,  # nan: no pause, no error
        lambda f: f.mouth.rest_error,
    ),
    Aim("sharpness, 0.85 at least", lambda f: f.sharpness >= 0.85, lambda f: f.sharpness),
    Aim("seam, 1.1 at most", lambda f: f.seam <= 1.1, lambda f: f.seam),
    Aim("trembling, 1.1 at most", lambda f: f.trembling <= 1.1, lambda f: f.trembling),
    Aim("no stray sample", lambda f: not f.stray, lambda f: f.stray),
)


def of_pair(name: str, found: Mapping[str, Figures], *, known: bool) -> str:
    """All tracks of one pair, a line each."""
    times = "times of the sounds known" if known else "sounds as the encoder heard them"
    rows = [row(track, figures) for track, figures in found.items()]
    return "\n".join([f"\n{name} ({times})", HEAD, *rows])


def row(track: str, found: Figures) -> str:
    """One line."""
    mouth = found.mouth
    wide, half, narrow, shut = mouth.openings
    return (
        f"  {track:24}{mouth.shut:6.2f}{mouth.events:4}{wide:7.3f}{half:6.3f}{narrow:8.3f}"
        f"{shut:7.3f}{'yes' if mouth.ordered else 'no':>7}{mouth.offset_frames:8.2f}"
        f"{mouth.correlation:6.2f}{mouth.rest_error:6.2f}{found.sharpness:7.2f}{found.seam:6.2f}"
        f"{found.trembling:9.2f}{found.stray:7}{found.identity:10.4f}"
    )


def of_aims(results: Mapping[str, Mapping[str, Figures]]) -> str:
    """For every version and aim: in how many pairs it is kept, and the median figure."""
    lines = [""]
    for version in [name for name in next(iter(results.values())) if name != SOURCE]:
        tracks = [found[version] for found in results.values()]
        lines += [f"{version}:"]
        for aim in AIMS:
            kept, median = (
                sum(map(aim.kept, tracks)),
                np.nanmedian([aim.of(track) for track in tracks]),
            )
            verdict = "kept" if kept == len(tracks) else f"missed by {len(tracks) - kept}"
            lines.append(f"  {aim.text:32} median {median:6.2f}   {verdict} of {len(tracks)} pairs")
    return "\n".join(lines)

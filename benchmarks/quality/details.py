"""Figures of single frames: detail at every size, a clip driven by its own mouth, cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import compositor
from benchmarks.quality import pictures
from benchmarks.quality.graphs import Graph
from benchmarks.quality.shots import Shot, prepared
from client.tensors import Array
from orchestrator.faces.colour import Colour
from orchestrator.faces.compositor import Reference, composite
from orchestrator.faces.crop import Plane, Planes, crop_rgb
from orchestrator.faces.geometry import Affine, side_px, to_crop
from orchestrator.faces.render import Geometry

SIDES_PX: Final = (100, 256, 512, 900)
GRAIN: Final = 4.0  # levels, so that an enlarged face has the detail of a large one
EVERY: Final = 9  # frames between those that are looked at
SECONDS: Final = 6.0
FEATURES: Final = (64, 17)
VOICING, ENERGY, OPENING, VOWEL = 28, 29, 30, 21
WIDEST: Final = 0.45  # gap of a wholly open mouth in the built-in renderer, in its own units
EYES, NOSE_BASE, INNER_CORNERS, INNER_LIPS = ((33, 133), (362, 263)), 2, (78, 308), (13, 14)


def details(clip: Path, speech: Path, graphs: Sequence[Graph]) -> str:
    """Measures some frames of one pair, and returns a table."""
    shots, colour = asyncio.run(_some(clip, speech, graphs))
    lines = [f"\nsharpness of {clip.name} by the side of the face, with grain"]
    lines += [_sizes(graph.name, shots, colour) for graph in graphs]
    lines += ["\ndriven by its own mouth: similarity and signal to noise of the mouth's box"]
    lines += [_self_driven(graph, shots, colour) for graph in graphs]
    lines += ["\ncost on one thread, ms"]
    lines += [f"  {g.name:24}{g.cost_ms(inputs(shots[0], colour)):6.1f} a face" for g in graphs]
    lines += [
        f"  compositing, {side} px{_compositing_ms(side):12.1f} a face" for side in (256, 900)
    ]
    return "\n".join(lines)


async def _some(clip: Path, speech: Path, graphs: Sequence[Graph]) -> tuple[list[Shot], Colour]:
    async with prepared(clip, speech, graphs, SECONDS) as pair:
        shots = [shot async for shot in pair.shots(EVERY)]
        return shots, pair.work.source.colour()


def _sizes(name: str, shots: Sequence[Shot], colour: Colour) -> str:
    figures = (
        float(np.median([_detail(shot, shot.results[name].geometry, colour, s) for shot in shots]))
        for s in SIDES_PX
    )
    return f"  {name:24}" + "".join(
        f"{f'{side} px':>9}{figure:6.2f}" for side, figure in zip(SIDES_PX, figures, strict=True)
    )


def _detail(shot: Shot, geometry: Geometry, colour: Colour, side: int) -> float:
    """Returns the sharpness that a face of some size keeps."""
    scale = side / side_px(shot.affine)
    source = enlarged(shot.source, scale)
    planes = tuple(plane.copy() for plane in source)
    natives = [
        Reference(enlarged(native.planes, scale), placed(native.affine, scale))
        for native in shot.references.natives
    ]
    composite(
        (planes[0], planes[1], planes[2]), colour, placed(shot.affine, scale), geometry, natives
    )
    box = pictures.mouth_box(shot.mesh * scale, source[0].shape)
    return pictures.sharpness(planes[0], box) / pictures.sharpness(source[0], box)


def enlarged(planes: Planes, scale: float) -> Planes:
    """Returns a picture in another size, sides even, with grain of its own size."""
    height, width = (round(length * scale / 2) * 2 for length in planes[0].shape)
    y, u, v = planes
    luma = _resized(y, width, height).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, GRAIN, luma.shape)
    grainy = np.clip(np.rint(luma + noise), 0, 255).astype(np.uint8)
    return grainy, _resized(u, width // 2, height // 2), _resized(v, width // 2, height // 2)


def _resized(plane: Plane, width: int, height: int) -> NDArray[np.uint8]:
    smaller = width < plane.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(plane, (width, height), interpolation=how), np.uint8)


def placed(affine: Affine, scale: float) -> Affine:
    """Returns a crop in a picture of another size."""
    return np.column_stack((affine[:, :2] * scale, affine[:, 2] * scale + (scale - 1) / 2))


def inputs(shot: Shot, colour: Colour, features: Array | None = None) -> dict[str, Array]:
    """Returns what the renderer takes for one frame."""
    said = np.repeat(shot.features[None, :, None], FEATURES[1], axis=2)
    return {
        "face": crop_rgb(shot.source, colour, shot.affine, 256)[None],
        "features": said if features is None else features,
        "reference": shot.references.faces[None],
        "mesh": to_crop(shot.mesh, shot.affine).astype(np.float32)[None],
        "reference_mesh": shot.references.meshes[None],
    }


def own_features(mesh: NDArray[np.floating]) -> NDArray[np.float32]:
    """Returns features [1,64,17] of a vowel that opens the mouth as far as a mesh shows it."""
    eyes = [mesh[list(pair)].mean(axis=0) for pair in EYES]
    down = float(np.linalg.norm(mesh[NOSE_BASE] - (eyes[0] + eyes[1]) / 2))
    width, gap = (float(np.linalg.norm(mesh[a] - mesh[b])) for a, b in (INNER_CORNERS, INNER_LIPS))
    unit = WIDEST * float(np.clip(down / width, 0.9, 1.6))
    features = np.zeros((1, *FEATURES), np.float32)
    features[:, VOWEL], features[:, VOICING], features[:, ENERGY] = 1, 1, 0.8
    features[:, OPENING] = np.clip(gap / width / unit, 0, 1)
    return features


def _self_driven(graph: Graph, shots: Sequence[Shot], colour: Colour) -> str:
    similar, noise_db = zip(*(_redrawn(graph, shot, colour) for shot in shots), strict=True)
    return f"  {graph.name:24}{np.median(similar):6.3f}{np.median(noise_db):7.1f} dB"


def _redrawn(graph: Graph, shot: Shot, colour: Colour) -> tuple[float, float]:
    outputs = graph.run(inputs(shot, colour, own_features(shot.mesh)))
    planes = (shot.source[0].copy(), shot.source[1].copy(), shot.source[2].copy())
    geometry = _geometry(outputs)
    composite(planes, colour, shot.affine, geometry, shot.references.natives)
    box = pictures.mouth_box(shot.mesh, planes[0].shape)
    return (
        pictures.similarity(shot.source[0], planes[0], box),
        pictures.signal_to_noise_db(shot.source[0], planes[0], box),
    )


def _geometry(outputs: Mapping[str, Array]) -> Geometry:
    return Geometry(**{name: array[0] for name, array in outputs.items()})


def _compositing_ms(side: int) -> float:
    with np.load(compositor.GOLDEN) as golden:
        return compositor.measure(dict(golden), Colour.named("bt709"), side)[1]

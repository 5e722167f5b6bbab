"""Many frames of a video on one picture: ``python -m benchmarks.contact_sheet VIDEO OUT.png``."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import cv2
import numpy as np
import typer

from benchmarks.sync import phonemes
from benchmarks.sync.faces import FaceMesher, Image
from benchmarks.sync.opening import read_frames
from client.errors import InputError, LipSyncError, OutputError

ROOT: Final = Path(__file__).parents[1]
TILE_WIDTH: Final = 320
MOUTH_TILE: Final = 240
MOUTH_CORNERS: Final = (61, 291)
MOUTH_ZOOM: Final = 2.0
"""Side of the zoomed view over the width of the mouth."""


def shrink(image: Image) -> Image:
    """Return the whole picture at the width of a tile."""
    height = round(image.shape[0] * TILE_WIDTH / image.shape[1])
    return np.asarray(cv2.resize(image, (TILE_WIDTH, height), interpolation=cv2.INTER_AREA))


def zoom_mouth(image: Image, mesher: FaceMesher) -> Image:
    """Return the mouth, upright as filmed, or the middle of the picture without a face."""
    mesh = mesher.mesh(image)
    centre, side = np.array(image.shape[1::-1]) / 2, float(min(image.shape[:2]))
    if mesh is not None:
        corners = mesh[list(MOUTH_CORNERS)]
        centre = corners.mean(0)
        side = MOUTH_ZOOM * float(np.linalg.norm(corners[1] - corners[0]))
    middle = (float(centre[0]), float(centre[1]))
    view = cv2.getRectSubPix(image, (round(side), round(side)), middle)
    method = cv2.INTER_CUBIC if side < MOUTH_TILE else cv2.INTER_AREA
    return np.asarray(cv2.resize(view, (MOUTH_TILE, MOUTH_TILE), interpolation=method))


def annotate(tile: Image, text: str) -> Image:
    """Return the tile with a caption in its corner, legible on any ground."""
    for colour, thickness in ((0, 3), (255, 1)):
        cv2.putText(
            tile, text, (5, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (colour,) * 3, thickness,
            cv2.LINE_AA,
        )  # fmt: skip
    return tile


def arrange(tiles: list[Image], columns: int) -> Image:
    """Return equal tiles in rows; what is left of the last row is black."""
    columns = min(columns, len(tiles))
    blank = np.zeros_like(tiles[0])
    filled = tiles + [blank] * (-len(tiles) % columns)
    rows = [np.hstack(filled[i : i + columns]) for i in range(0, len(filled), columns)]
    return np.vstack(rows)


def spoken(speech: list[phonemes.Phoneme], time_s: float) -> str:
    """Return the class of the sound at a time, or nothing outside the speech."""
    return next((p.name for p in speech if p.start_s <= time_s < p.end_s), "")


def draw(
    video: Path, every: int, mesher: FaceMesher | None, speech: list[phonemes.Phoneme]
) -> list[Image]:
    """Return the captioned tiles of every ``every``-th frame."""
    tiles = []
    for index, (time_s, image) in islice(enumerate(read_frames(video)), 0, None, every):
        tile = shrink(image) if mesher is None else zoom_mouth(image, mesher)
        tiles.append(annotate(tile, f"{index}  {time_s:.2f} s  {spoken(speech, time_s)}"))
    return tiles


def main(
    video: Annotated[Path, typer.Argument(help="The video to show.")],
    out: Annotated[Path, typer.Argument(help="The picture to write (PNG or JPEG).")],
    every: Annotated[int, typer.Option(min=1, help="Show one frame in so many.")] = 10,
    columns: Annotated[int, typer.Option(min=1, help="Tiles in a row.")] = 6,
    mouth: Annotated[bool, typer.Option("--zoom-mouth", help="Show the mouth alone.")] = False,
    phoneme_file: Annotated[
        Path | None, typer.Option("--phonemes", help="Write the sound beside the time.")
    ] = None,
    models: Annotated[Path, typer.Option(help="Model repository.")] = ROOT / "model_repository",
) -> None:
    """Put many frames of a video on one picture."""
    try:
        speech = phonemes.load(phoneme_file) if phoneme_file else []
        tiles = draw(video, every, FaceMesher(models) if mouth else None, speech)
        save(tiles, columns, out)
    except LipSyncError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def save(tiles: list[Image], columns: int, out: Path) -> None:
    """Write the sheet.

    Raises:
        InputError: There is no frame to show.
        OutputError: The picture cannot be written.
    """
    if not tiles:
        raise InputError("The video has no frames to show; give another one.")
    sheet = cv2.cvtColor(arrange(tiles, columns), cv2.COLOR_RGB2BGR)
    try:
        written = cv2.imwrite(str(out), sheet)
    except cv2.error as error:
        raise OutputError(f"{out} is no picture format; end the name in .png.") from error
    if not written:
        raise OutputError(f"{out} cannot be written; check its folder.")


if __name__ == "__main__":
    typer.run(main)

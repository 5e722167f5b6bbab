"""Makes the built-in `landmark2face` model."""

from pathlib import Path
from typing import Annotated

import typer

from export.builtin.landmark2face.golden import golden_inputs, run_onnx
from export.repository import write_golden, write_manifest

RECIPE = "python -m export.builtin.landmark2face --repository model_repository"
VERSION = "2"
TOLERANCE = {"flow": 1e-3, "layers": 2, "source": 0, "interior": 2}
CROP = {
    "kind": "eyes-mouth-v1",
    "size": 256,
    "per_eye_distance": 2.6,
    "per_eye_mouth_distance": 2.7,
    "centre_below_eyes": 0.26,
}


def main(
    repository: Annotated[Path, typer.Option(help="Model repository to write into.")],
) -> None:
    """Exports the renderer into a model repository, with manifest and golden data."""
    from export.builtin.landmark2face.onnx_file import write_onnx  # torch, only to export

    folder = repository / "landmark2face" / VERSION
    folder.mkdir(parents=True, exist_ok=True)
    write_onnx(folder / "model.onnx")
    inputs = golden_inputs(repository)
    outputs = run_onnx(folder / "model.onnx", inputs)
    write_manifest(
        folder,
        source="export/builtin/landmark2face",
        licence="Apache-2.0",
        recipe=RECIPE,
        golden=write_golden(folder, inputs, outputs, TOLERANCE),
        feature_kind="lipsync-v1",
        crop=CROP,
    )


if __name__ == "__main__":
    typer.run(main)

"""Writes the renderer as an ONNX file."""

from pathlib import Path

import onnx
import torch

from export.builtin.landmark2face.renderer import Landmark2Face

OPSET = 17
INPUT_SHAPES = {
    "face": (256, 256, 3),
    "features": (64, 17),
    "reference": (4, 256, 256, 3),
    "mesh": (468, 2),
    "reference_mesh": (4, 468, 2),
}
PIXELS = ("face", "reference")
OUTPUT_SHAPES = {
    "flow": (4, 64, 64, 2),
    "layers": (4, 256, 256, 1),
    "source": (4,),
    "interior": (256, 256, 4),
}


def write_onnx(path: Path) -> None:
    """Exports the renderer with a dynamic batch axis."""
    example = tuple(
        torch.zeros((2, *shape), dtype=torch.uint8 if name in PIXELS else torch.float32)
        for name, shape in INPUT_SHAPES.items()
    )
    names = [*INPUT_SHAPES, *OUTPUT_SHAPES]
    torch.onnx.export(
        Landmark2Face().eval(),
        example,
        str(path),
        input_names=list(INPUT_SHAPES),
        output_names=list(OUTPUT_SHAPES),
        dynamic_axes={name: {0: "batch"} for name in names},
        opset_version=OPSET,
        dynamo=False,
    )
    _declare_output_shapes(path)


def _declare_output_shapes(path: Path) -> None:
    """Writes the sizes that the exporter leaves symbolic."""
    model = onnx.load(path)
    for output in model.graph.output:
        sizes = output.type.tensor_type.shape.dim[1:]
        for dimension, size in zip(sizes, OUTPUT_SHAPES[output.name], strict=True):
            dimension.dim_value = size
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)

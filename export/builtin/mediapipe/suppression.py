"""Greedy non-maximum suppression of plain operators, unrolled so that batch rows cannot meet."""

from dataclasses import dataclass

from export.builtin.mediapipe.onnx_builder import OnnxBuilder


def add_suppression(
    builder: OnnxBuilder, boxes: str, scores: str, *, count: int, min_score: float, max_iou: float
) -> tuple[str, str]:
    """Appends exact greedy suppression: the best box wins, those that overlap it much are out.

    Args:
        builder: The graph to extend.
        boxes: Name of the boxes as x1 y1 x2 y2, float32 [B,N,4].
        scores: Name of the probabilities, float32 [B,N].
        count: How many boxes are kept, K.
        min_score: Boxes below it are none.
        max_iou: Boxes whose intersection over union with a better one reaches it are out.

    Returns:
        Names of the scores [B,K], falling, and 0 where there are fewer than K; and of the box
        indices int64 [B,K], which mean nothing where the score is 0.
    """
    candidates = _corners(builder, boxes)
    likely = builder.emit("GreaterOrEqual", scores, builder.number(min_score))
    none = builder.number(0)
    alive = builder.emit("Where", likely, scores, none)
    best_scores, best_indices = [], []
    for _ in range(count):
        best, index = builder.emit_many("TopK", 2, alive, builder.integers(1))
        best_scores.append(best)
        best_indices.append(index)
        nested = builder.emit("Unsqueeze", index, builder.integers(2))
        winner = _corners(builder, builder.emit("GatherND", boxes, nested, batch_dims=1))
        apart = _apart(builder, candidates, winner, max_iou)
        alive = builder.emit("Where", apart, alive, none)
    return (
        builder.emit("Concat", *best_scores, axis=1),
        builder.emit("Concat", *best_indices, axis=1),
    )


@dataclass(frozen=True)
class _Corners:
    """Names of the parts of M boxes: `low` and `high` corners [B,2,M] and `area` [B,M]."""

    low: str
    high: str
    area: str


def _corners(builder: OnnxBuilder, boxes: str) -> _Corners:
    """Splits boxes [B,M,4]; the long axis goes last, where operators run along it."""
    columns = builder.emit("Transpose", boxes, perm=(0, 2, 1))
    low, high = builder.emit_many("Split", 2, columns, builder.integers(2, 2), axis=1)
    return _Corners(low, high, _area(builder, low, high))


def _apart(builder: OnnxBuilder, boxes: _Corners, winner: _Corners, max_iou: float) -> str:
    """Returns where [B,N] the boxes overlap the winner [B,1] by less than the limit."""
    low = builder.emit("Max", boxes.low, winner.low)
    high = builder.emit("Min", boxes.high, winner.high)
    shared = _area(builder, low, high)
    union = builder.emit("Sub", builder.emit("Add", boxes.area, winner.area), shared)
    # Compared as a product: a box without area removes itself, where a quotient would be 0/0.
    return builder.emit("Less", shared, builder.emit("Mul", union, builder.number(max_iou)))


def _area(builder: OnnxBuilder, low: str, high: str) -> str:
    """Returns areas [B,M] from corners [B,2,M]; a box turned inside out has none."""
    size = builder.emit("Relu", builder.emit("Sub", high, low))
    return builder.emit("ReduceProd", size, axes=[1], keepdims=0)

"""Non-maximum suppression of the detection graph, alone, on boxes made for the purpose."""

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from export.builtin.mediapipe.onnx_builder import OnnxBuilder
from export.builtin.mediapipe.suppression import add_suppression

Floats = NDArray[np.float32]

KEPT = 4
MIN_SCORE = 0.5
MAX_IOU = 0.3


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    builder = OnnxBuilder("suppression")
    boxes = builder.input("boxes", TensorProto.FLOAT, ["n", 4])
    scores = builder.input("scores", TensorProto.FLOAT, ["n"])
    kept, indices = add_suppression(
        builder, boxes, scores, count=KEPT, min_score=MIN_SCORE, max_iou=MAX_IOU
    )
    builder.output(kept, "kept", [KEPT])
    builder.output(builder.emit("Cast", indices, to=TensorProto.FLOAT), "indices", [KEPT])
    return onnxruntime.InferenceSession(builder.model().SerializeToString())


def kept_boxes(session: onnxruntime.InferenceSession, boxes: Floats, scores: Floats) -> list[int]:
    """Runs the graph on one picture and returns the indices of the boxes it keeps."""
    kept, indices = session.run(None, {"boxes": boxes[None], "scores": scores[None]})
    return [int(i) for i, score in zip(indices[0], kept[0], strict=True) if score > 0]


def greedy(boxes: Floats, scores: Floats) -> list[int]:
    """The same in plain numpy: walk down the scores, keep what no kept box overlaps."""
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        if scores[i] >= MIN_SCORE and all(overlap(boxes[i], boxes[k]) < MAX_IOU for k in kept):
            kept.append(int(i))
    return kept[:KEPT]


def overlap(a: Floats, b: Floats) -> float:
    width, height = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = max(width, 0) * max(height, 0)
    return float(shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared))


def random_boxes(rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    low = rng.uniform(0, 100, (count, 2))
    boxes = np.concatenate([low, low + rng.uniform(10, 60, (count, 2))], axis=1)
    return boxes.astype(np.float32), rng.uniform(0, 1, count).astype(np.float32)


def test_of_two_boxes_that_overlap_the_better_stays(session: onnxruntime.InferenceSession) -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60]], np.float32)
    scores = np.array([0.7, 0.9, 0.8], np.float32)
    assert kept_boxes(session, boxes, scores) == [1, 2]


def test_boxes_below_the_limit_are_none(session: onnxruntime.InferenceSession) -> None:
    boxes = np.array([[0, 0, 10, 10], [20, 0, 30, 10]], np.float32)
    assert kept_boxes(session, boxes, np.array([0.49, 0.5], np.float32)) == [1]


def test_a_removed_box_removes_no_other(session: onnxruntime.InferenceSession) -> None:
    chain = np.array([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]], np.float32)
    assert kept_boxes(session, chain, np.array([0.9, 0.8, 0.7], np.float32)) == [0, 2]


def test_a_box_without_area_is_kept_once(session: onnxruntime.InferenceSession) -> None:
    boxes = np.array([[5, 5, 5, 5], [20, 20, 30, 30]], np.float32)
    assert kept_boxes(session, boxes, np.array([0.9, 0.8], np.float32)) == [0, 1]


def test_no_more_boxes_are_kept_than_asked(session: onnxruntime.InferenceSession) -> None:
    low = np.arange(0, 200, 20, dtype=np.float32)[:, None]
    boxes = np.concatenate([low, low, low + 10, low + 10], axis=1)
    assert kept_boxes(session, boxes, np.linspace(0.6, 0.9, 10, dtype=np.float32)) == [9, 8, 7, 6]


@pytest.mark.parametrize("seed", range(20))
def test_random_boxes_are_suppressed_as_in_plain_numpy(
    session: onnxruntime.InferenceSession, seed: int
) -> None:
    boxes, scores = random_boxes(np.random.default_rng(seed), 300)
    assert kept_boxes(session, boxes, scores) == greedy(boxes, scores)


def test_a_batch_gives_what_its_rows_give_alone(session: onnxruntime.InferenceSession) -> None:
    rows = [random_boxes(np.random.default_rng(seed), 50) for seed in range(5)]
    feeds = {
        "boxes": np.stack([boxes for boxes, _ in rows]),
        "scores": np.stack([scores for _, scores in rows]),
    }
    together = session.run(None, feeds)
    for i in range(len(rows)):
        alone = session.run(None, {name: values[i : i + 1] for name, values in feeds.items()})
        for whole, single in zip(together, alone, strict=True):
            np.testing.assert_array_equal(whole[i : i + 1], single)

"""What a renderer's picture covers of a face, and that no seam is left."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from client.contract import ROLES
from client.errors import ContractError
from orchestrator.faces.crops import HeyGem
from orchestrator.faces.geometry import to_crop
from orchestrator.faces.ibug import landmarks_of
from orchestrator.faces.paste import Ellipse, Feather, LandmarkHull, Paste, paste_of
from tests.unit.faces.test_crops import known_mesh

SIZE = 256
MODES: list[Paste] = [LandmarkHull(), Ellipse(), Feather()]


def landmarks() -> NDArray[Any]:
    """Of a plain face in the middle of its crop, in crop coordinates."""
    angles = np.linspace(np.pi, 0, 17)
    jaw = np.stack((0.5 + 0.3 * np.cos(angles), 0.45 + 0.4 * np.sin(angles)), axis=-1)
    points = np.full((68, 2), 0.5)
    points[:17], points[29] = jaw, (0.5, 0.42)
    return points


def weights(paste: Paste, size: int = SIZE) -> NDArray[np.uint8]:
    return paste.mask(landmarks(), size)[..., 0]


@pytest.mark.parametrize("size", [96, 256, 416])
@pytest.mark.parametrize("paste", MODES)
def test_a_mask_covers_the_mouth_and_nothing_at_the_border(paste: Paste, size: int) -> None:
    mask = paste.mask(landmarks(), size)
    assert mask.shape == (size, size, 1)
    assert mask.dtype == np.uint8
    border = np.ones((size, size), bool)
    border[1:-1, 1:-1] = False
    assert not mask[border].any()
    assert mask[round(0.68 * size), size // 2] == 255


@pytest.mark.parametrize("paste", MODES)
def test_a_mask_looks_the_same_at_any_resolution(paste: Paste) -> None:
    enlarged = cv2.resize(weights(paste, 96), (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    difference = np.abs(enlarged.astype(int) - weights(paste).astype(int))
    assert difference.mean() < 3


@pytest.mark.parametrize("paste", MODES)
def test_a_mask_fades_softly(paste: Paste) -> None:
    steps = np.abs(np.diff(weights(paste).astype(int), axis=0))
    assert steps.max() < 255 * 0.2


def test_a_hull_reaches_from_the_nose_to_the_chin_and_leaves_the_eyes() -> None:
    mask = weights(LandmarkHull())
    row = {name: mask[round(y * SIZE), SIZE // 2] for name, y in
           {"eyes": 0.3, "mouth": 0.65, "chin": 0.83, "neck": 0.93}.items()}  # fmt: skip
    assert row["mouth"] == 255
    assert row["chin"] > 100
    assert row["eyes"] == row["neck"] == 0


def test_a_hull_follows_its_landmarks() -> None:
    moved = landmarks() + np.array([0.05, 0])
    shifted = LandmarkHull().mask(moved, SIZE)[:, 13:-20, 0]
    still = LandmarkHull().mask(landmarks(), SIZE)[:, : -13 - 20, 0]
    assert np.abs(shifted.astype(int) - still.astype(int)).max() < 25


def test_a_hull_whose_landmarks_leave_the_crop_still_ends_at_its_border() -> None:
    mask = LandmarkHull().mask(landmarks() * 3 - 1, SIZE)[..., 0]
    assert not mask[0].any()
    assert not mask[-1].any()
    assert mask[SIZE // 2, SIZE // 2] == 255


def test_the_hull_of_a_real_crop_lies_on_the_lower_face() -> None:
    mesh = known_mesh(**{f"at_{n}": (110 + 15 * (n - 2), 300) for n in range(2, 15) if n != 8})
    affine = HeyGem().settled(HeyGem().measured(mesh[None]))(mesh)
    points = to_crop(landmarks_of(mesh), affine)
    x, y, width, height = cv2.boundingRect(LandmarkHull().mask(points, SIZE))
    assert y / SIZE == pytest.approx(points[29, 1], abs=0.06)
    assert (y + height) / SIZE == pytest.approx(points[8, 1], abs=0.06)
    assert (x + width / 2) / SIZE == pytest.approx(points[[2, 14], 0].mean(), abs=0.03)


def test_a_box_is_nothing_outside_and_all_inside_its_border() -> None:
    mask = weights(Feather(low=(0.2, 0.5), high=(0.8, 0.9), soft=0.1))
    at = np.arange(SIZE) / SIZE
    outside = (at < 0.19) | (at > 0.81)
    assert not mask[:, outside].any()
    assert not mask[at < 0.49].any()
    assert (mask[np.ix_((at > 0.61) & (at < 0.79), (at > 0.31) & (at < 0.69))] == 255).all()


def test_a_renderer_with_weights_of_its_own_keeps_them() -> None:
    assert paste_of(None, gives_mask=True) is None
    assert paste_of({"mode": "mask"}, gives_mask=True) is None


def test_a_renderer_that_says_nothing_gets_a_soft_border() -> None:
    assert paste_of(None, gives_mask=False) == Feather()


def test_what_the_manifest_says_counts_with_its_numbers() -> None:
    declared = {"mode": "ellipse", "centre": [0.5, 0.7], "soft": 0.2}
    assert paste_of(declared, gives_mask=True) == Ellipse(centre=(0.5, 0.7), soft=0.2)


def test_the_profile_wins_and_takes_numbers_of_the_same_mode() -> None:
    declared = {"mode": "landmark-hull", "blur": 0.1}
    assert paste_of(declared, gives_mask=False, chosen="feather") == Feather()
    assert paste_of(declared, gives_mask=True, chosen="mask") is None
    assert paste_of(declared, gives_mask=False, chosen="landmark-hull") == LandmarkHull(blur=0.1)


@pytest.mark.parametrize(
    ("declared", "chosen", "sentence"),
    [
        ({"mode": "glue"}, "auto", "no paste mode glue: it is one of landmark-hull, ellipse"),
        ({"mode": "mask"}, "auto", "this one gives none: choose one of landmark-hull"),
        (None, "mask", "this one gives none"),
        ({"mode": "feather", "width": 0.1}, "auto", "has width 0.1, .* takes low, high, soft"),
        ({"mode": "feather", "low": 0.1}, "auto", "has low 0.1"),
        ({"mode": "ellipse", "soft": 4}, "auto", "has soft 4"),
    ],
)
def test_what_cannot_be_used_is_told(
    declared: dict[str, object] | None, chosen: str, sentence: str
) -> None:
    with pytest.raises(ContractError, match=sentence):
        paste_of(declared, gives_mask=False, chosen=chosen)


def test_every_mode_of_the_contract_is_known() -> None:
    for mode in ROLES["landmark2face"].pastes:
        paste_of({"mode": mode}, gives_mask=True)

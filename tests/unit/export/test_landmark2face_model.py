"""The committed landmark2face models: contract, golden files, and how they move a mouth."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from export.repository import sha256_of

Floats = NDArray[np.float32]
Arrays = dict[str, NDArray[Any]]

MODEL = Path(__file__).parents[3] / "model_repository" / "landmark2face"
INPUTS = {
    "face": ("tensor(uint8)", [256, 256, 3]),
    "features": ("tensor(float)", [64, 17]),
    "reference": ("tensor(uint8)", [4, 256, 256, 3]),
    "mesh": ("tensor(float)", [468, 2]),
    "reference_mesh": ("tensor(float)", [4, 468, 2]),
}
OUTPUTS = {
    "flow": ("tensor(float)", [4, 64, 64, 2]),
    "layers": ("tensor(uint8)", [4, 256, 256, 1]),
    "source": ("tensor(int32)", [4]),
    "interior": ("tensor(uint8)", [256, 256, 4]),
}
SILENCE, M, F, TH, S, A = 0, 2, 3, 4, 7, 21  # feature columns
ENERGY, OPENING, WIDTH, ROUNDING, CLOSURE = 29, 30, 31, 32, 33
UPPER_LIP = [191, 80, 81, 82, 13, 312, 311, 310, 415]  # inner contour without the corners
LOWER_LIP = [95, 88, 178, 87, 14, 317, 402, 318, 324]
NOSE_TIP, CHIN = 1, 152


@pytest.fixture(scope="module", params=["1", "2"])
def folder(request: pytest.FixtureRequest) -> Path:
    return MODEL / str(request.param)


def opened(folder: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(folder / "model.onnx", options)


@pytest.fixture(scope="module")
def session(folder: Path) -> onnxruntime.InferenceSession:
    return opened(folder)


@pytest.fixture(scope="module")
def newest() -> onnxruntime.InferenceSession:
    """The version that is served."""
    return opened(MODEL / "2")


@pytest.fixture(scope="module")
def golden(folder: Path) -> Arrays:
    with np.load(folder / "golden.npz") as arrays:
        return dict(arrays)


@pytest.fixture
def smile(golden: Arrays) -> Arrays:
    """Inputs of a toothy smile, which is also its only open reference."""
    return {name: golden[f"input_{name}"].copy() for name in INPUTS}


@pytest.fixture
def shut(smile: Arrays) -> Arrays:
    """Inputs of the same face with its lips together, in every reference as well."""
    mesh = smile["mesh"].copy()
    mesh[:, LOWER_LIP] = mesh[:, UPPER_LIP]
    return smile | {"mesh": mesh, "reference_mesh": np.repeat(mesh[:, None], 4, 1)}


def run(session: onnxruntime.InferenceSession, inputs: Arrays) -> Arrays:
    return dict(zip(OUTPUTS, session.run(list(OUTPUTS), inputs), strict=True))


def say(phone: int, opening: float = 0.0, **columns: float) -> Floats:
    """Returns the features of a sustained sound."""
    features = np.zeros((1, 64, 17), np.float32)
    features[:, phone] = 1
    features[:, ENERGY] = 0 if phone == SILENCE else 0.8
    features[:, OPENING] = opening
    features[:, WIDTH] = columns.get("width", 0.0)
    features[:, ROUNDING] = columns.get("rounding", 0.0)
    features[:, CLOSURE] = columns.get("closure", 0.0)
    return features


def noise(seed: int) -> Arrays:
    """Returns inputs that are no face at all."""
    rng = np.random.default_rng(seed)
    arrays: Arrays = {}
    for name, (kind, shape) in INPUTS.items():
        values = rng.random((1, *shape))
        arrays[name] = (
            (values * 255).astype(np.uint8) if "uint8" in kind else values.astype(np.float32)
        )
    return arrays


def inside_area(outputs: Arrays) -> int:
    """Returns how many samples of the crop show the inside of the mouth."""
    lent = outputs["layers"][0, 2:, :, :, 0].max(0) > 127
    painted = outputs["interior"][0, :, :, 3] > 127
    return int((lent | painted).sum())


def inside_width(outputs: Arrays) -> int:
    """Returns how many columns of the crop show the inside of the mouth."""
    alpha = outputs["interior"][0, :, :, 3]
    shown = (alpha > 127) | (outputs["layers"][0, 2, :, :, 0] > 127)
    return int(shown.any(0).sum())


def test_the_model_keeps_the_contract(session: onnxruntime.InferenceSession) -> None:
    assert {i.name: (i.type, i.shape[1:]) for i in session.get_inputs()} == INPUTS
    assert {o.name: (o.type, o.shape[1:]) for o in session.get_outputs()} == OUTPUTS
    assert all(isinstance(t.shape[0], str) for t in session.get_inputs() + session.get_outputs())


def test_the_model_is_what_its_manifest_says(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    model = onnx.load(folder / "model.onnx")
    assert manifest["files"]["model.onnx"] == sha256_of(folder / "model.onnx")
    assert manifest["golden"]["sha256"] == sha256_of(folder / "golden.npz")
    assert manifest["feature_kind"] == "lipsync-v1"
    assert manifest["crop"]["kind"] == "eyes-mouth-v1"
    assert model.ir_version == manifest["ir_version"] <= 9
    assert model.opset_import[0].version == manifest["opset"] <= 17


def test_the_golden_inputs_give_the_golden_outputs(
    folder: Path, session: onnxruntime.InferenceSession, golden: Arrays, smile: Arrays
) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    tolerance = manifest["golden"]["tolerance"]
    for name, value in run(session, smile).items():
        difference = np.abs(value.astype(float) - golden[f"output_{name}"].astype(float))
        assert difference.max() <= tolerance[name], name


def test_rows_of_a_batch_equal_single_rows(
    session: onnxruntime.InferenceSession, smile: Arrays
) -> None:
    other = smile | {"features": say(SILENCE)}
    both = run(session, {name: np.concatenate([smile[name], other[name]]) for name in INPUTS})
    for row, alone in enumerate([run(session, smile), run(session, other)]):
        for name, value in alone.items():
            np.testing.assert_allclose(both[name][row], value[0], atol=1e-5, err_msg=name)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_changes_at_the_edge_of_the_crop(
    session: onnxruntime.InferenceSession, smile: Arrays, seed: int
) -> None:
    for inputs in (noise(seed), smile | {"features": noise(seed)["features"]}):
        outputs = run(session, inputs)
        rim = np.ones((256, 256), bool)
        rim[2:-2, 2:-2] = False
        assert not outputs["layers"][0, :, rim].any()
        assert not outputs["interior"][0, rim, 3].any()
        assert not outputs["flow"][0, :2, [0, -1]].any()
        assert not outputs["flow"][0, :2, :, [0, -1]].any()


@pytest.mark.parametrize("opening", [0.0, 1.0])
def test_pixels_of_the_frame_move_only_under_their_weights(
    session: onnxruntime.InferenceSession, smile: Arrays, opening: float
) -> None:
    outputs = run(session, smile | {"features": say(A, opening)})
    travel = np.abs(outputs["flow"][0, 0]).max(-1)
    weights = outputs["layers"][0, 0, :, :, 0].reshape(64, 4, 64, 4)
    assert travel[weights.max((1, 3)) == 0].max() < 0.25 / 256
    assert weights.min((1, 3))[travel > 0.01].min() == 255


def test_silence_leaves_shut_lips_alone(
    session: onnxruntime.InferenceSession, shut: Arrays
) -> None:
    outputs = run(session, shut | {"features": say(SILENCE)})
    assert np.abs(outputs["flow"][0, :2]).max() < 0.5 / 256
    assert inside_area(outputs) == 0
    assert outputs["interior"].max() == 0


def test_silence_shuts_lips_that_are_open_in_the_source(
    session: onnxruntime.InferenceSession, smile: Arrays
) -> None:
    outputs = run(session, smile | {"features": say(SILENCE)})
    assert inside_area(outputs) == 0
    assert np.abs(outputs["flow"][0, 1]).max() > 0.01


def test_wider_vowels_open_the_mouth_further(
    session: onnxruntime.InferenceSession, shut: Arrays
) -> None:
    areas = [
        inside_area(run(session, shut | {"features": say(A, opening)}))
        for opening in (0.0, 0.2, 0.5, 0.9)
    ]
    assert areas[0] == 0
    assert areas[1] > 50
    assert areas == sorted(set(areas))


def test_the_opening_does_not_depend_on_what_the_source_says(
    session: onnxruntime.InferenceSession, smile: Arrays, shut: Arrays
) -> None:
    vowel = say(A, 0.8)
    shut["reference_mesh"] = smile["reference_mesh"]
    open_source, shut_source = (
        inside_area(run(session, inputs | {"features": vowel})) for inputs in (smile, shut)
    )
    assert open_source == pytest.approx(shut_source, rel=0.1)


def test_the_jaw_follows_the_lower_lip(session: onnxruntime.InferenceSession, shut: Arrays) -> None:
    outputs = run(session, shut | {"features": say(A, 1.0)})
    column, row = (shut["mesh"][0, CHIN] * 64).astype(int)
    assert outputs["flow"][0, 1, row, column, 1] < -0.02


@pytest.mark.parametrize("features", [say(M, 0.8), say(A, 0.8, closure=1.0)], ids=["m", "closure"])
def test_closures_shut_the_mouth_whatever_the_opening(
    session: onnxruntime.InferenceSession, smile: Arrays, features: Floats
) -> None:
    assert inside_area(run(session, smile | {"features": features})) == 0


def test_a_closure_of_one_feature_keeps_its_depth(
    session: onnxruntime.InferenceSession, shut: Arrays
) -> None:
    features = say(A, 0.8)
    features[:, CLOSURE, 8] = 1
    assert inside_area(run(session, shut | {"features": features})) == 0


def test_f_shows_less_than_a_vowel_of_the_same_opening(
    session: onnxruntime.InferenceSession, shut: Arrays
) -> None:
    vowel, fricative = (
        inside_area(run(session, shut | {"features": say(phone, 0.3)})) for phone in (A, F)
    )
    assert 0 < fricative < vowel


def test_rounded_vowels_are_narrow_and_spread_ones_wide(
    session: onnxruntime.InferenceSession, shut: Arrays
) -> None:
    rounded, plain, spread = (
        inside_width(run(session, shut | {"features": say(A, 0.4, **how)}))
        for how in ({"rounding": 1.0}, {}, {"width": 1.0})
    )
    assert rounded < plain < spread


def teeth_shown(outputs: Arrays) -> int:
    """Returns how many samples of the crop the references give."""
    return int((outputs["layers"][0, 2:, :, :, 0].max(0) > 127).sum())


def test_lips_part_before_the_teeth_of_s(
    newest: onnxruntime.InferenceSession, smile: Arrays
) -> None:
    shown = teeth_shown(run(newest, smile | {"features": say(S, 0.12)}))
    assert shown > 1.5 * teeth_shown(run(newest, smile | {"features": say(A, 0.12)}))


def test_f_bares_the_edge_of_the_upper_teeth(
    newest: onnxruntime.InferenceSession, smile: Arrays
) -> None:
    assert teeth_shown(run(newest, smile | {"features": say(F, 0.08)})) > 50


def test_the_tongue_covers_lent_teeth_in_th(
    newest: onnxruntime.InferenceSession, smile: Arrays
) -> None:
    dental, vowel = (
        run(newest, smile | {"features": say(phone, 0.3)})["interior"][0] for phone in (TH, A)
    )
    tip = (dental[..., 3] > 200) & (vowel[..., 3] < 128)
    assert tip.sum() > 50
    red, green, blue = dental[tip].mean(axis=0)[:3]
    assert red > 1.3 * max(green, blue)


def test_a_smile_relaxes_where_lips_round(
    newest: onnxruntime.InferenceSession, smile: Arrays
) -> None:
    """Backward flow that looks up brings the corners down."""
    flows = [
        run(newest, smile | {"features": say(A, 0.2, rounding=rounding)})["flow"][0, 0]
        for rounding in (0.0, 1.0)
    ]
    for corner in (61, 291):
        column, row = (smile["mesh"][0, corner] * 64).astype(int)
        plain, rounded = (flow[row, column, 1] for flow in flows)
        assert rounded < plain - 0.005


def test_a_mouth_begins_to_shut_before_a_closure(
    newest: onnxruntime.InferenceSession, shut: Arrays
) -> None:
    vowel, before_m = say(A, 0.6), say(A, 0.6)
    before_m[:, CLOSURE, 9] = 1
    wide, narrow = (inside_area(run(newest, shut | {"features": f})) for f in (vowel, before_m))
    assert 0.5 * wide < narrow < 0.9 * wide


def test_the_dark_beyond_the_lips_contour_is_left_out(
    newest: onnxruntime.InferenceSession, smile: Arrays
) -> None:
    """In a lopsided mouth the inside reaches further than the mesh says."""
    x, y = (smile["mesh"][0, 95] * 256).astype(int)  # beside a corner, on the lower lip
    dark = smile["face"].copy()
    dark[0, y : y + 7, x - 6 : x + 7] = 30
    shut_lips = say(SILENCE)
    plain, lopsided = (
        run(newest, smile | {"face": face, "features": shut_lips})["flow"][0, 1]
        for face in (smile["face"], dark)
    )
    assert np.abs(plain - lopsided).max() > 2 / 256


def test_wide_vowels_prefer_a_reference_that_shows_depths(
    newest: onnxruntime.InferenceSession, smile: Arrays
) -> None:
    pixels = np.repeat(smile["face"][:, None], 4, 1)
    mesh = smile["mesh"][0]
    upper, lower = mesh[UPPER_LIP], mesh[LOWER_LIP]
    for share in np.linspace(0.6, 0.95, 20):
        for x, y in ((upper + share * (lower - upper)) * 256).astype(int):
            pixels[0, 2, y - 1 : y + 2, x - 2 : x + 3] = 30
    inputs = smile | {"reference": pixels, "reference_mesh": np.repeat(mesh[None, None], 4, 1)}
    assert run(newest, inputs | {"features": say(A, 0.9)})["source"][0, 2] == 3
    assert run(newest, inputs | {"features": say(S, 0.1)})["source"][0, 2] != 3


def test_the_inside_comes_from_the_open_reference(
    session: onnxruntime.InferenceSession, smile: Arrays, shut: Arrays
) -> None:
    meshes = np.repeat(shut["mesh"][:, None], 4, 1)
    meshes[:, 2] = smile["mesh"]
    pixels = np.repeat(smile["face"][:, None], 4, 1)
    inputs = smile | {"reference": pixels, "reference_mesh": meshes, "features": say(A, 0.8)}
    outputs = run(session, inputs)
    assert outputs["source"][0, :3].tolist() == [0, 0, 3]
    assert outputs["source"][0, 3] in {1, 2, 4}
    assert outputs["layers"][0, 2].max() > 250


def test_the_reference_nearest_in_pose_comes_first(
    session: onnxruntime.InferenceSession, smile: Arrays
) -> None:
    meshes = np.repeat(smile["mesh"][:, None], 4, 1)
    meshes[:, [0, 1, 3], NOSE_TIP, 0] += 0.1
    pixels = np.repeat(smile["face"][:, None], 4, 1)
    outputs = run(session, smile | {"reference": pixels, "reference_mesh": meshes})
    assert outputs["source"][0, 2] == 3


def test_the_inside_is_painted_when_no_reference_is_open(
    session: onnxruntime.InferenceSession, shut: Arrays
) -> None:
    outputs = run(session, shut | {"features": say(A, 0.8)})
    painted = outputs["interior"][0]
    assert not outputs["layers"][0, 2:].any()
    assert painted[..., 3].max() == 255
    assert painted[..., :3].max() > 2 * painted[painted[..., 3] > 250][:, 0].min()  # teeth, cavity


def test_painted_colours_are_premultiplied(
    session: onnxruntime.InferenceSession, shut: Arrays
) -> None:
    painted = run(session, shut | {"features": say(A, 0.8)})["interior"][0].astype(int)
    assert (painted[..., :3].max(-1) <= painted[..., 3] + 1).all()


def test_paint_follows_the_light_on_the_skin(
    session: onnxruntime.InferenceSession, shut: Arrays
) -> None:
    bright, dark = (
        run(session, shut | {"face": face, "features": say(A, 0.8)})["interior"][..., :3].max()
        for face in (shut["face"], shut["face"] // 2)
    )
    assert dark < 0.75 * bright


def test_a_face_turned_away_is_left_alone(
    session: onnxruntime.InferenceSession, smile: Arrays
) -> None:
    smile["mesh"][:, NOSE_TIP, 0] += 0.9 * np.ptp(smile["mesh"][0, [234, 454], 0])
    outputs = run(session, smile | {"features": say(A, 1.0)})
    assert not outputs["layers"].any()
    assert not outputs["interior"].any()


@pytest.mark.parametrize(
    "mesh",
    [
        np.zeros((468, 2)),
        np.full((468, 2), 0.5),
        np.full((468, 2), 1e6),
        np.random.default_rng(0).normal(0.5, 3, (468, 2)),
        np.linspace(0, 1, 468)[:, None] * [1, 0],
    ],
    ids=["origin", "one point", "far away", "scattered", "a line"],
)
def test_meshes_that_are_no_faces_give_finite_geometry(
    session: onnxruntime.InferenceSession, smile: Arrays, mesh: NDArray[np.float64]
) -> None:
    points = mesh.astype(np.float32)
    inputs = smile | {
        "mesh": points[None],
        "reference_mesh": np.repeat(points[None, None], 4, 1),
        "features": say(A, 1.0),
    }
    outputs = run(session, inputs)
    assert np.isfinite(outputs["flow"]).all()
    assert outputs["source"].min() == 0
    assert outputs["source"].max() <= 4

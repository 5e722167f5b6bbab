"""A served model that breaks the contract is refused with one sentence that names the tensor."""

from dataclasses import replace
from typing import cast

import pytest

from client.calls import Calls
from client.connection import Connection
from client.contract import (
    check_contract,
    check_features,
    check_manifest,
    contract_breaches,
    manifest_breaches,
)
from client.errors import ContractError
from client.gather import Gatherer
from client.manifest import (
    CropGeometry,
    Manifest,
    PasteMode,
    SpeechWindow,
    parse_manifest,
)
from client.model import Batching, ServedModel
from client.tensors import TensorSpec
from client.transport import Signature


def served(
    name: str, inputs: list[TensorSpec], outputs: list[TensorSpec], kind: str | None = None
) -> ServedModel:
    return ServedModel(
        connection=cast(Connection, None),
        name=name,
        version="1",
        signature=Signature(
            name,
            inputs={spec.name: spec for spec in inputs},
            outputs={spec.name: spec for spec in outputs},
        ),
        max_batch_size=8,
        manifest=Manifest(feature_kind=kind),
        instances=1,
        calls=cast(Calls, None),
        gatherer=cast(Gatherer, None),
    )


def detector(**changes: TensorSpec) -> ServedModel:
    specs = {
        "image": TensorSpec("image", "UINT8", (192, 192, 3)),
        "detections": TensorSpec("detections", "FP32", (16, 15)),
    } | changes
    return served("face_detection", [specs["image"]], [specs["detections"]])


def encoder(width: int, kind: str) -> ServedModel:
    return served(
        "wenet",
        [TensorSpec("speech", "FP32", (90320,))],
        [TensorSpec("features", "FP32", (100, width))],
        kind,
    )


def renderer(width: int, kind: str, outputs: list[TensorSpec] | None = None) -> ServedModel:
    geometry = [
        TensorSpec("flow", "FP32", (4, 64, 64, 2)),
        TensorSpec("layers", "UINT8", (4, 256, 256, 1)),
    ]
    return served(
        "landmark2face",
        [
            TensorSpec("face", "UINT8", (256, 256, 3)),
            TensorSpec("features", "FP32", (width, 17)),
        ],
        geometry if outputs is None else outputs,
        kind,
    )


def test_a_model_that_keeps_the_contract_tells_its_extents() -> None:
    assert check_contract(detector(), "face_detection") == {"H": 192, "W": 192, "K": 16}


def test_a_wrong_type_is_named() -> None:
    model = detector(image=TensorSpec("image", "FP32", (192, 192, 3)))

    with pytest.raises(ContractError, match=r"declares image FP32 .* wants UINT8"):
        check_contract(model, "face_detection")


def test_a_wrong_shape_is_named() -> None:
    model = detector(detections=TensorSpec("detections", "FP32", (16, 5)))

    with pytest.raises(ContractError, match=r"detections FP32 \[16, 5\].*\[K, 15\]|\[16, 15\]"):
        check_contract(model, "face_detection")


def test_a_missing_output_is_named() -> None:
    model = served("face_detection", [TensorSpec("image", "UINT8", (9, 9, 3))], [])

    with pytest.raises(ContractError, match="no tensor 'detections'"):
        check_contract(model, "face_detection")


def test_an_input_that_nobody_gives_is_named() -> None:
    model = served("wenet", [TensorSpec("lengths", "INT32", (1,))], [])

    with pytest.raises(ContractError, match="asks for input 'lengths'"):
        check_contract(model, "wenet")


def test_a_renderer_that_wants_what_the_pipeline_does_not_give_is_refused_early() -> None:
    model = served("landmark2face", [TensorSpec("landmarks", "FP32", (68, 2))], [])

    with pytest.raises(ContractError, match=r"asks for input 'landmarks'.* it may take face, "):
        check_contract(model, "landmark2face")


def test_one_letter_is_one_number_in_all_tensors_of_a_model() -> None:
    layers = TensorSpec("layers", "UINT8", (4, 128, 128, 1))
    model = renderer(64, "a", [TensorSpec("flow", "FP32", (4, 64, 64, 2)), layers])

    with pytest.raises(ContractError, match=r"layers .* wants UINT8 \[4, 256, 256, 1\]"):
        check_contract(model, "landmark2face")


def test_a_renderer_without_picture_or_geometry_is_refused() -> None:
    model = renderer(64, "a", [TensorSpec("mask", "UINT8", (256, 256, 1))])

    with pytest.raises(ContractError, match="it must give flow and layers or generated"):
        check_contract(model, "landmark2face")


@pytest.mark.parametrize(("width", "kind"), [(64, "other"), (80, "lipsync-v1")])
def test_an_encoder_and_a_renderer_of_different_features_are_refused(width: int, kind: str) -> None:
    with pytest.raises(ContractError, match="serve two that belong together"):
        check_features(encoder(width, kind), renderer(64, "lipsync-v1"))


def test_an_encoder_and_a_renderer_of_the_same_features_fit() -> None:
    check_features(encoder(64, "lipsync-v1"), renderer(64, "lipsync-v1"))


def test_all_breaches_are_gathered_and_none_follows_from_another() -> None:
    layers = TensorSpec("layers", "UINT8", (4, 256, 256, 3))
    source = TensorSpec("source", "INT64", (4,))
    flow = TensorSpec("flow", "FP32", (4, 64, 64, 2))

    breaches = contract_breaches(renderer(64, "a", [flow, layers, source]), "landmark2face")

    assert len(breaches) == 2
    assert "declares layers" in breaches[0]
    assert "declares source" in breaches[1]


def test_a_wrong_extent_is_not_held_against_the_next_tensor() -> None:
    face = TensorSpec("face", "UINT8", (256, 128, 3))
    mask = TensorSpec("generated", "UINT8", (64, 64, 3))
    features = TensorSpec("features", "FP32", (64, 17))

    breaches = contract_breaches(served("m", [face, features], [mask]), "landmark2face")

    assert len(breaches) == 1


def test_a_manifest_that_says_what_the_role_needs_has_no_breaches() -> None:
    window = SpeechWindow(sample_rate=16000, left_context=160, core=90000, right_context=160)
    model = replace(encoder(64, "a"), manifest=Manifest(feature_kind="a", window=window))

    assert manifest_breaches(model, "wenet") == []


def test_everything_that_a_manifest_leaves_unsaid_is_told() -> None:
    model = replace(renderer(64, "a"), manifest=Manifest(crop=CropGeometry(kind="round")))

    crop, features = manifest_breaches(model, "landmark2face")

    assert "wants the crop geometry round; this program lays out eyes-mouth-v1" in crop
    assert "does not say of which kind its features are" in features


@pytest.mark.parametrize("kind", ["eyes-mouth-v1", "heygem-v1", "dinet-mrzzm-v1", "wav2lip-v1"])
def test_a_renderer_may_want_any_crop_that_is_laid_out(kind: str) -> None:
    manifest = Manifest(feature_kind="a", crop=CropGeometry(kind=kind))

    check_manifest(replace(renderer(64, "a"), manifest=manifest), "landmark2face")


def test_a_way_of_pasting_that_nobody_knows_is_told_before_a_job() -> None:
    crop, paste = CropGeometry(kind="heygem-v1"), PasteMode(mode="glue")
    model = replace(renderer(64, "a"), manifest=Manifest(feature_kind="a", crop=crop, paste=paste))

    with pytest.raises(ContractError, match="pasted by glue; this program knows landmark-hull, "):
        check_manifest(model, "landmark2face")


def test_numbers_of_crop_and_paste_are_read_from_the_manifest() -> None:
    text = '{"crop": {"kind": "heygem-v1", "wh": 0.9}, "paste": {"mode": "ellipse", "soft": 0.1}}'

    manifest = parse_manifest(text, "m", "1")

    assert manifest.crop is not None
    assert manifest.paste is not None
    assert manifest.crop.numbers == {"wh": 0.9}
    assert manifest.paste.model_dump() == {"mode": "ellipse", "soft": 0.1}


def test_a_model_that_restores_gives_a_picture_like_the_one_it_takes() -> None:
    face, restored = (TensorSpec(name, "UINT8", (512, 512, 3)) for name in ("face", "restored"))
    small = TensorSpec("restored", "UINT8", (256, 256, 3))

    assert check_contract(served("m", [face], [restored]), "face_restoration") == {"S": 512}
    with pytest.raises(ContractError, match=r"restored .* wants UINT8 \[512, 512, 3\]"):
        check_contract(served("m", [face], [small]), "face_restoration")


def test_a_window_that_is_not_the_input_is_told() -> None:
    window = SpeechWindow(sample_rate=16000, left_context=0, core=64000, right_context=0)
    model = replace(encoder(64, "a"), manifest=Manifest(feature_kind="a", window=window))

    (breach,) = manifest_breaches(model, "wenet")

    assert "does not declare the window that its input speech is made of" in breach


def test_a_broken_manifest_names_model_version_and_key() -> None:
    with pytest.raises(ContractError, match="wenet version 3 is not usable at window"):
        parse_manifest('{"window": "four seconds"}', "wenet", "3")


def test_batching_is_counted_from_an_earlier_reading() -> None:
    before = Batching(10, 5, {1: 2, 2: 3})
    after = Batching(26, 9, {1: 2, 2: 3, 4: 4})

    assert after.since(before) == Batching(16, 4, {4: 4})
    assert after.since(before).mean_batch == 4.0


def test_a_server_that_was_restarted_counts_from_its_start() -> None:
    after = Batching(4, 2, {2: 2})

    assert after.since(Batching(100, 50, {2: 50})) == after

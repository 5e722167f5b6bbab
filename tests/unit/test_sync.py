"""The lip-sync judge, on opening curves whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import typer
from typer.testing import CliRunner

from benchmarks.sync import phonemes
from benchmarks.sync.__main__ import main, table
from benchmarks.sync.faces import FaceMesher, apply, around_detection, around_mesh, crop, square
from benchmarks.sync.opening import Curve, lip_opening, measure, read_frames
from benchmarks.sync.phonemes import Phoneme, expected_opening, shifted
from benchmarks.sync.scores import Verdict, cohens_d, correlate, during, judge, score
from client.errors import InputError, MediaError, NoFaceError

DATA = Path(__file__).parents[1] / "data"
MODELS = Path(__file__).parents[2] / "model_repository"
FRAME_RATE = 25
RNG_SEED = 7

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def speech() -> list[Phoneme]:
    return phonemes.load(DATA / "speech.json")


@pytest.fixture(scope="module")
def times_s() -> Floats:
    return np.asarray((np.arange(8 * FRAME_RATE) + 0.5) / FRAME_RATE)


def mouth(speech: list[Phoneme], times_s: Floats, late_s: float = 0.0) -> Curve:
    """A mouth that follows the speech with a delay and some noise."""
    noise = np.random.default_rng(RNG_SEED).normal(0, 0.03, len(times_s))
    return Curve(times_s, 0.3 * expected_opening(speech, times_s - late_s) + noise)


def test_a_mouth_that_follows_the_speech_is_in_sync(speech: list[Phoneme], times_s: Floats) -> None:
    verdict = judge(mouth(speech, times_s), speech, shift_s=0.4)
    assert verdict.in_sync
    assert verdict.aligned.open_vowels > verdict.aligned.closures
    assert verdict.aligned.open_vowels > verdict.aligned.silence
    assert verdict.control.effect_closures < 0.3


@pytest.mark.parametrize("late_s", [-0.3, -0.12, 0.12, 0.3])
def test_a_late_or_early_mouth_is_not_in_sync_and_its_delay_is_found(
    speech: list[Phoneme], times_s: Floats, late_s: float
) -> None:
    verdict = judge(mouth(speech, times_s, late_s), speech, shift_s=0.4)
    assert not verdict.in_sync
    assert verdict.aligned.best_lag_s == pytest.approx(late_s, abs=0.02)


def test_a_mouth_that_says_something_else_is_not_in_sync(
    speech: list[Phoneme], times_s: Floats
) -> None:
    for delay_s in np.arange(0.6, 7.4, 0.5):
        rolled = np.interp((times_s - delay_s) % 8, times_s, expected_opening(speech, times_s))
        assert not judge(Curve(times_s, rolled), speech, shift_s=0.4).in_sync


def test_a_mouth_that_never_moves_has_no_effect_and_no_correlation(
    speech: list[Phoneme], times_s: Floats
) -> None:
    verdict = judge(Curve(times_s, np.full(len(times_s), 0.12)), speech, shift_s=0.4)
    assert not verdict.in_sync
    assert verdict.aligned.effect_closures == pytest.approx(0, abs=1e-6)
    assert verdict.aligned.correlation == 0


def test_the_shift_moves_the_speech_and_not_the_mouth(
    speech: list[Phoneme], times_s: Floats
) -> None:
    late = mouth(speech, times_s, late_s=0.4)
    verdict = judge(late, speech, shift_s=0.4)
    assert verdict.control == score(late, shifted(speech, 0.4))
    assert verdict.control.best_lag_s == pytest.approx(0, abs=0.02)


def test_cohens_d_is_the_difference_of_means_in_pooled_standard_deviations() -> None:
    assert cohens_d(np.array([4.0, 6.0]), np.array([1.0, 3.0])) == pytest.approx(3 / np.sqrt(2))


def test_correlation_with_a_constant_is_zero() -> None:
    assert correlate(np.arange(5.0), np.ones(5)) == 0
    assert correlate(np.arange(5.0), -np.arange(5.0)) == pytest.approx(-1)


def test_a_sound_shorter_than_a_frame_gives_its_nearest_frame() -> None:
    curve = Curve(np.array([0.02, 0.06, 0.10]), np.array([1.0, 2.0, 3.0]))
    short = [Phoneme("M", 0.064, 0.070)]
    assert during(curve, short, frozenset({"M"}), (0.2, 0.7)).tolist() == [2.0]


def test_sounds_outside_the_video_are_not_judged() -> None:
    curve = Curve(np.array([0.02, 0.06]), np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="falls into the video"):
        during(curve, [Phoneme("M", 5.0, 5.1)], frozenset({"M"}), (0.2, 0.7))


def test_the_expected_mouth_is_wide_in_an_open_vowel_and_shut_in_a_closure() -> None:
    speech = [Phoneme("a", 0.0, 0.3), Phoneme("PB", 0.3, 0.5), Phoneme("a", 0.5, 0.8)]
    opening = expected_opening(speech, np.array([0.15, 0.4, 0.65, 5.0]))
    assert opening == pytest.approx([0.8, 0.0, 0.8, 0.0], abs=1e-3)


@pytest.mark.parametrize("text", ["", "[]", '{"phonemes": []}', '{"phonemes": [{"class": "a"}]}'])
def test_a_broken_phoneme_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"broken\.json"):
        phonemes.load(path)


def test_the_opening_is_the_lip_gap_over_the_distance_of_the_eyes() -> None:
    mesh = np.zeros((468, 2))
    mesh[263] = [200, 0]
    mesh[13], mesh[14] = [100, 100], [100, 130]
    assert lip_opening(mesh) == pytest.approx(0.15)


def test_a_turned_crop_shows_what_its_affine_says() -> None:
    image = np.zeros((400, 500, 3), np.uint8)
    image[150:170, 300:320] = 255
    affine = square(np.array([260.0, 200.0]), 300.0, angle=0.5)
    view = crop(image, affine).astype(np.float64)[..., 0]
    rows, columns = np.mgrid[:192, :192]
    weight = view / view.sum()
    u = np.array([[(weight * columns).sum() + 0.5, (weight * rows).sum() + 0.5]]) / 192
    assert apply(affine, u)[0] == pytest.approx([309.5, 159.5], abs=0.3)


def test_landmark_crops_level_the_eyes_and_leave_a_margin() -> None:
    detection = np.array([100, 100, 200, 220, 0.9, 130, 140, 170, 180, *[0.0] * 6], np.float64)
    from_detection = around_detection(detection)
    assert np.hypot(*from_detection[:, 0]) == pytest.approx(180)
    assert np.arctan2(*from_detection[::-1, 0]) == pytest.approx(np.pi / 4)
    assert apply(from_detection, np.array([[0.5, 0.5]]))[0] == pytest.approx([150, 160])

    mesh = np.tile([50.0, 50.0], (468, 1))
    mesh[33], mesh[263], mesh[0] = [40, 50], [60, 50], [50, 90]
    from_mesh = around_mesh(mesh)
    assert np.hypot(*from_mesh[:, 0]) == pytest.approx(60)
    assert apply(from_mesh, np.array([[0.5, 0.5]]))[0] == pytest.approx([50, 70])


def test_the_smile_of_the_sample_is_measured_on_her_mouth() -> None:
    _, image = next(read_frames(DATA / "portrait.mp4"))
    mesh = FaceMesher(MODELS).mesh(image)
    assert mesh is not None
    assert mesh[468 // 2 :].min() > 0
    corners = mesh[[61, 291]].mean(0)
    assert corners == pytest.approx([449, 291], abs=12)
    assert 0.08 < lip_opening(mesh) < 0.18


def test_a_video_without_a_face_or_without_frames_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        next(read_frames(tmp_path / "none.mp4"))
    fake = tmp_path / "fake.mp4"
    fake.write_text("no video")
    with pytest.raises(MediaError, match="cannot be decoded"):
        next(read_frames(fake))
    with pytest.raises(MediaError, match="cannot be decoded"):
        next(read_frames(DATA / "speech.wav"))


def test_a_video_of_no_face_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    mesher = FaceMesher(MODELS)
    monkeypatch.setattr(
        "benchmarks.sync.opening.read_frames",
        lambda _: iter([(0.02, np.full((240, 320, 3), 90, np.uint8))]),
    )
    with pytest.raises(NoFaceError, match="0 of 1 frames"):
        measure(DATA / "portrait.mp4", mesher)


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_the_untouched_portrait_is_not_in_sync_and_the_command_says_so_by_its_exit_code() -> None:
    code, output = run(str(DATA / "portrait.mp4"), "--json")
    assert code == 1
    assert json.loads(output)["in_sync"] is False


def test_an_unusable_video_ends_with_exit_code_2() -> None:
    code, output = run("nowhere.mp4")
    assert code == 2
    assert "nowhere.mp4 is missing" in output


def test_the_table_names_every_figure_and_the_verdict(
    speech: list[Phoneme], times_s: Floats
) -> None:
    verdict: Verdict = judge(mouth(speech, times_s), speech, shift_s=0.4)
    text = table(verdict)
    assert "+0.40 s" in text
    assert f"{verdict.aligned.effect_closures:.3f}" in text
    assert text.endswith("\nin sync")

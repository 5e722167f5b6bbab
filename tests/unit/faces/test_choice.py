import pytest

from orchestrator.faces.choice import FaceChoice


def test_the_largest_is_chosen_unless_something_is_said() -> None:
    assert FaceChoice.parse("largest") == FaceChoice()


def test_a_place_from_the_left_is_read() -> None:
    assert FaceChoice.parse("index:2") == FaceChoice(index=2)


@pytest.mark.parametrize(
    ("text", "point"), [("point:640,360", (640, 360)), ("point:0.25,.4", (0.25, 0.4))]
)
def test_a_point_is_read(text: str, point: tuple[float, float]) -> None:
    assert FaceChoice.parse(text) == FaceChoice(point=point)


@pytest.mark.parametrize(
    "text",
    ["", "smallest", "index:", "index:-1", "index:1.5", "point:3", "point:-1,2", "point:a,b"],
)
def test_anything_else_is_refused_in_a_sentence_that_names_what_is_known(text: str) -> None:
    with pytest.raises(ValueError, match=r"names no face: give largest, index:N .* or point:x,y"):
        FaceChoice.parse(text)


def test_a_point_in_pixels_stays_and_fractions_become_pixels() -> None:
    assert FaceChoice.parse("point:640,360").point_px(1280, 720) == (640, 360)
    assert FaceChoice.parse("point:0.5,1").point_px(1280, 720) == (640, 720)
    assert FaceChoice.parse("largest").point_px(1280, 720) is None

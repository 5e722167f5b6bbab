import pytest

from orchestrator.faces.choice import FaceChoice


def test_the_largest_is_chosen_unless_something_is_said() -> None:
    assert FaceChoice.parse("largest") == FaceChoice()


def test_a_place_from_the_left_is_read() -> None:
    assert FaceChoice.parse("index:2") == FaceChoice(index=2)


@pytest.mark.parametrize("text", ["point:640,360", "point:1,0"])
def test_a_point_of_whole_numbers_is_in_pixels(text: str) -> None:
    x, y = map(int, text.removeprefix("point:").split(","))

    assert FaceChoice.parse(text).point_px(1280, 720) == (x, y)


@pytest.mark.parametrize(
    ("text", "point"),
    [("point:0.25,.5", (320, 360)), ("point:0.5,1", (640, 720)), ("point:1.0,0.0", (1280, 0))],
)
def test_a_point_with_fractions_is_a_share_of_the_picture(
    text: str, point: tuple[float, float]
) -> None:
    assert FaceChoice.parse(text).point_px(1280, 720) == point


@pytest.mark.parametrize(
    "text",
    [
        "",
        "smallest",
        "index:",
        "index:-1",
        "index:1.5",
        "point:3",
        "point:-1,2",
        "point:0.5,100",
        "point:1.5,0.5",
    ],
)
def test_anything_else_is_refused_in_a_sentence_that_names_what_is_known(text: str) -> None:
    with pytest.raises(ValueError, match=r"names no face: give largest, index:N .* or point:x,y"):
        FaceChoice.parse(text)


def test_other_choices_have_no_point() -> None:
    assert FaceChoice.parse("largest").point_px(1280, 720) is None

"""Which argument or result of `forward()` a name in the configuration stands for."""

import pytest

from backends.pytorch.naming import input_places, output_places, place_in

ARGUMENTS = ["image", "features"]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("INPUT__0", 0),
        ("INPUT__12", 12),
        ("__3", 3),
        ("INPUT__", 0),
        ("INPUT_0", None),
        ("image", None),
        ("INPUT__x", None),
        ("INPUT__-1", None),
        ("INPUT__0__1", None),  # what follows the first two underscores counts
        ("INPUT___1", None),
        ("INPUT__\N{SUPERSCRIPT TWO}", None),
    ],
)
def test_a_place_is_what_follows_the_first_two_underscores(name: str, place: int | None) -> None:
    assert place_in(name) == place


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (["features", "image"], {"features": 1, "image": 0}),
        (["A__1", "B__0"], {"A__1": 1, "B__0": 0}),
        (["a", "b"], {"a": 0, "b": 1}),
        (["features", "b"], {"features": 0, "b": 1}),  # one odd name puts all in order
        (["A__1", "b"], {"A__1": 0, "b": 1}),
        (["features", "A__0"], {"features": 0, "A__0": 1}),
    ],
)
def test_inputs_are_arguments_else_numbers_else_in_order(
    names: list[str], places: dict[str, int]
) -> None:
    assert input_places(names, ARGUMENTS).by_name == places


def test_outputs_are_numbers_else_in_order() -> None:
    assert output_places(["b__1", "a__0"]).by_name == {"b__1": 1, "a__0": 0}
    assert output_places(["image", "a__0"]).by_name == {"image": 0, "a__0": 1}


def test_the_manner_is_told() -> None:
    manners = [input_places(names, ARGUMENTS).manner for names in (ARGUMENTS, ["A__0"], ["a"])]
    assert manners == [
        "by argument name",
        "by the number in their names",
        "in the order of config.pbtxt",
    ]

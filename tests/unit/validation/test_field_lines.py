"""Lines of fields, however a protobuf text is written."""

import pytest

from orchestrator.validation.field_lines import field_lines


@pytest.mark.parametrize(
    "text",
    [
        'input [\n{ name: "a" },\n{ name: "b" } ]',
        'input: [\n<name: "a">,\n<name: "b"> ]',
        '\ninput { name: "a" }\ninput: { name: "b" }',
        '# input { name: "c" }\ninput {\nname: "}" } input\n{ name: "b" }'.replace("\n{", "{"),
    ],
)
def test_elements_are_told_apart_in_every_notation(text: str) -> None:
    assert len(field_lines(text)["input"]) == 2
    assert len(field_lines(text)["input.name"]) == 2


def test_the_line_of_an_element_is_the_one_on_which_it_opens() -> None:
    text = 'name: "m"\ninput [\n  { name: "a"\n    dims: [ 1, 2 ] },\n  { name: "b" }\n]\n'

    assert field_lines(text) == {
        "name": [1],
        "input": [3, 5],
        "input.name": [3, 5],
        "input.dims": [4],
    }


def test_names_inside_values_are_no_fields() -> None:
    text = "version_policy: { specific: { versions: [ 1 ] } }\nkind: KIND_CPU\ntext: 'a: 1'"

    assert field_lines(text) == {
        "version_policy": [1],
        "version_policy.specific": [1],
        "version_policy.specific.versions": [1],
        "kind": [2],
        "text": [3],
    }


@pytest.mark.parametrize("text", ["", "}}}]", "[[{", 'a: "', "\x00: {", "a b c [ : ]"])
def test_anything_else_gives_lines_or_none_and_never_an_error(text: str) -> None:
    field_lines(text)

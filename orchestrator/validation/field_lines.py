"""Where the fields of a protobuf text stand, for findings that name a line."""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""[^\S\n]+|\n|\#[^\n]*|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|[{}<>\[\]:,;]"""
    r"""|[^\s{}<>\[\]:,;"'\#]+"""
)
_OPEN = "{<"

FieldLines = dict[str, list[int]]


def field_lines(text: str) -> FieldLines:
    """Returns the lines of every field, by its path such as `instance_group.count`.

    The n-th line of a repeated field is that of its n-th element, however the list is written. A
    text that is no protobuf text gives some lines, and never an error.
    """
    lines: FieldLines = {}
    reader = _Reader(list(_tokens(text)))
    for path, line in reader.fields():
        lines.setdefault(path, []).append(line)
    return lines


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line = 1
    for match in _TOKEN.finditer(text):
        part = match[0]
        if part == "\n":
            line += 1
        elif not part.isspace() and not part.startswith("#"):
            yield part, line


class _Reader:
    def __init__(self, tokens: list[tuple[str, int]]) -> None:
        self._tokens = tokens
        self._open: list[tuple[str, str]] = []  # bracket and the field that it belongs to
        self._pending = ""  # the field whose value comes next

    def fields(self) -> Iterator[tuple[str, int]]:
        previous = ""
        for index, (part, line) in enumerate(self._tokens):
            if part in "{<[":
                yield from self._opened(part, line)
            elif part in "}>]":
                if self._open:
                    self._open.pop()
            elif part not in ":,;":
                yield from self._word(part, line, index, is_value=previous == ":")
            previous = part

    def _opened(self, bracket: str, line: int) -> Iterator[tuple[str, int]]:
        in_list = bool(self._open) and self._open[-1][0] == "["
        name = self._open[-1][1] if in_list else self._pending
        if in_list:
            yield self._path(name), line
        self._open.append((bracket, name))
        self._pending = ""

    def _word(
        self, part: str, line: int, index: int, *, is_value: bool
    ) -> Iterator[tuple[str, int]]:
        if is_value or (self._open and self._open[-1][0] == "["):
            return
        self._pending = part
        if not self._is_list_of_messages(index + 1):
            yield self._path(part), line

    def _is_list_of_messages(self, index: int) -> bool:
        ahead = [part for part, _ in self._tokens[index : index + 3] if part != ":"]
        return len(ahead) > 1 and ahead[0] == "[" and ahead[1] in _OPEN

    def _path(self, name: str) -> str:
        return ".".join([*(field for bracket, field in self._open if bracket != "["), name])

"""English sentences out of the texts that every Debian and Python installation brings along."""

import gzip
import hashlib
import pkgutil
import pydoc
import re
from collections.abc import Iterator
from pathlib import Path

_MAX_MANUAL_PAGES = 4000
_TEST_SHARE = 12  # one sentence in twelve is for evaluation
_DOCUMENTED_MODULES = (
    "argparse asyncio calendar collections csv datetime decimal difflib email http.client json "
    "logging pathlib random statistics string subprocess tarfile textwrap typing unittest "
    "urllib.request zipfile"
)


def sentences() -> tuple[list[str], list[str]]:
    """Collect sentences from manual pages, licences, READMEs and Python's docstrings.

    Returns:
        Training and test sentences. They are split by a hash of their words, so that a
        sentence never stands on both sides, whatever else is installed.
    """
    found: dict[str, str] = {}
    for passage in _passages():
        for sentence in sentences_in(passage):
            found.setdefault(" ".join(re.findall(r"[a-z']+", sentence.lower())), sentence)
    train: list[str] = []
    test: list[str] = []
    for words in sorted(found):
        digest = int(hashlib.sha256(words.encode()).hexdigest(), 16)
        (test if digest % _TEST_SHARE == 0 else train).append(found[words])
    return train, test


def _passages() -> Iterator[str]:
    manuals = sorted(Path("/usr/share/man").glob("man[1-8]/*.gz"))
    for path in manuals[:: max(1, len(manuals) // _MAX_MANUAL_PAGES)]:
        yield _without_roff(_read(path))
    for folder, pattern in (("/usr/share/common-licenses", "*"), ("/usr/share/doc", "*/README*")):
        for path in sorted(Path(folder).glob(pattern)):
            yield _read(path)
    for name in _DOCUMENTED_MODULES.split():
        module = pkgutil.resolve_name(name)
        yield pydoc.plain(pydoc.render_doc(module))


def _read(path: Path) -> str:
    if not path.is_file():
        return ""
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode(errors="ignore")


def _without_roff(page: str) -> str:
    page = re.sub(r"\\f.|\\&|\\\(..|\\\[.*?\]", "", page).replace("\\-", "-")
    return re.sub(r"(?m)^[.'].*$", "\n\n", page)


def sentences_in(passage: str) -> Iterator[str]:
    """Yield the sentences of a passage that a synthesiser can read as prose."""
    for raw in re.split(r"(?<=[.!?;:])\s+|\n\s*\n", passage):
        sentence = re.sub(r"\s+", " ", raw).strip()
        if _readable(sentence):
            yield sentence.rstrip(";:")


def _readable(sentence: str) -> bool:
    if not re.fullmatch(r"[A-Za-z][A-Za-z',\- ]{20,140}[.!?;:]?", sentence):
        return False
    words = re.findall(r"[A-Za-z']+", sentence)
    shouted = any(len(word) > 1 and word.isupper() for word in words)
    return len(words) >= 4 and max(map(len, words)) <= 15 and not shouted

"""`manifest.json` of one version, read once."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.errors import ContractError
from client.manifest import Manifest, parse_manifest
from orchestrator.validation.config import line_of
from orchestrator.validation.files import Read, leads_out, read_text
from orchestrator.validation.finding import Finding, error

MANIFEST_NAME = "manifest.json"
PUBLISH = "Publish the version again with export."

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Document:
    """A manifest that could be read.

    Attributes:
        data: What it says.
        text: How it says it.
        place: The file, relative to the repository.
        client: What clients make of it; None where they cannot use it.
    """

    data: dict[str, Any]
    text: str
    place: str
    client: Manifest | None

    def finding(self, rule: str, key: str, sentence: str, mend: str = PUBLISH) -> Finding:
        """A fault of one key."""
        return error(rule, self.place, sentence, mend, self.line(key))

    def line(self, key: str) -> int | None:
        """Returns the line of a key, or of a name that is used as one."""
        return line_of(self.text, json.dumps(key))

    @property
    def hashes(self) -> dict[str, str]:
        """File name to sha256, for the entries that can be used."""
        files = self.data.get("files")
        pairs = files.items() if isinstance(files, dict) else ()
        return {name: text for name, text in pairs if is_sha256(text) and not leads_out(name)}

    @property
    def golden(self) -> dict[str, Any]:
        """The entry of the golden file; empty where there is none."""
        golden = self.data.get("golden")
        return golden if isinstance(golden, dict) else {}


def is_sha256(text: object) -> bool:
    """Whether something is a sha256, as lower-case hex."""
    return isinstance(text, str) and _SHA256.fullmatch(text) is not None


def read_manifest(path: Path, place: str) -> Read[Document]:
    """Reads a manifest; what hinders it is a finding."""
    if not path.exists() and not path.is_symlink():
        return Read(None, (_missing(place),))
    text = read_text(path, place, "manifest-unreadable")
    if text.value is None:
        return Read(None, text.faults)
    try:
        data = json.loads(text.value)
    except json.JSONDecodeError as failure:
        return Read(None, (_syntax(place, f"{failure.msg}", failure.lineno),))
    except RecursionError:
        return Read(None, (_syntax(place, "nested too deeply", None),))
    if not isinstance(data, dict):
        return Read(None, (_syntax(place, "it holds no object", 1),))
    return _document(data, text.value, place)


def _document(data: dict[str, Any], text: str, place: str) -> Read[Document]:
    model, version, _ = place.rsplit("/", 2)
    try:
        client = parse_manifest(text, model, version)
    except ContractError as failure:
        return Read(
            Document(data, text, place, None),
            (error("manifest-field", place, str(failure).split("; ")[0] + ".", PUBLISH),),
        )
    return Read(Document(data, text, place, client))


def _missing(place: str) -> Finding:
    return error(
        "manifest-missing",
        place,
        "The version has no manifest.json, so nothing says what its files are.",
        PUBLISH,
    )


def _syntax(place: str, reason: str, line: int | None) -> Finding:
    return error("manifest-syntax", place, f"The file is not JSON: {reason}.", PUBLISH, line)

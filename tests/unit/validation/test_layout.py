"""Names and sizes that a server meets before any file is read."""

from pathlib import Path

import pytest

from client.errors import InputError
from orchestrator.validation import examine, layout
from orchestrator.validation.examine import Step, look
from orchestrator.validation.finding import Finding
from orchestrator.validation.repository import Repository, Version, is_version
from tests.unit.validation.good import write_model


def found_in(repository: Path) -> list[Finding]:
    return look(Repository.open(repository), {})


def test_a_name_that_a_shell_reads_otherwise_is_an_error(tmp_path: Path) -> None:
    write_model(tmp_path / "my model")

    (found,) = found_in(tmp_path)

    assert (found.rule, found.level, found.place) == ("model-name", "error", "my model")


def test_a_name_that_fills_the_line_is_a_warning(tmp_path: Path) -> None:
    write_model(tmp_path / ("m" * 101))

    (found,) = found_in(tmp_path)

    assert (found.rule, found.level) == ("model-name", "warning")
    assert "101 characters" in found.sentence


def test_a_folder_that_holds_everything_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(tmp_path / "echo")
    monkeypatch.setattr(layout, "MAX_ENTRIES", 5)

    (found,) = found_in(tmp_path)

    assert (found.rule, found.level) == ("model-size", "error")


def test_what_a_rule_stumbles_over_is_a_finding_and_the_others_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(version: Version) -> list[Finding]:
        raise TypeError(f"no {version.name}")

    write_model(tmp_path / "echo")
    (tmp_path / "echo" / "1" / "model.onnx").unlink()
    monkeypatch.setattr(examine, "VERSION", (Step(stumble), *examine.VERSION))

    first, second = found_in(tmp_path)

    assert (first.rule, first.place) == ("unreadable", "echo/1")
    assert "(TypeError: no 1)" in first.sentence
    assert second.rule == "model-file"


def test_a_ring_of_links_has_an_end(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "echo")
    (folder / "1" / "a").symlink_to("b")
    (folder / "1" / "b").symlink_to("a")
    (folder / "1" / "c").symlink_to("..")

    assert [finding.rule for finding in found_in(tmp_path)] == ["link", "link"]


@pytest.mark.parametrize("name", ["0", "1", "12", str(2**63 - 1)])
def test_a_number_is_a_version(name: str) -> None:
    assert is_version(name)


@pytest.mark.parametrize("name", ["", "01", "1.5", "-1", "v1", "²", "١", str(2**63), "9" * 5000])
def test_anything_else_is_none(name: str) -> None:
    assert not is_version(name)


def test_a_folder_without_models_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()

    with pytest.raises(InputError, match="is no model repository"):
        Repository.open(tmp_path)

"""Every planted fault is found, with its place and sentence, and nothing else is told of it."""

import re
import shutil
from pathlib import Path

import pytest

from orchestrator.server.runtime import CHECKOUT
from orchestrator.validation.examine import look
from orchestrator.validation.finding import Finding
from orchestrator.validation.repository import Repository
from tests.unit.validation.faults import FAULTS, Fault
from tests.unit.validation.good import write_model


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("good") / "echo")


def found_in(repository: Path) -> list[Finding]:
    return look(Repository.open(repository), {})


def told(finding: Finding) -> tuple[str, str, str]:
    return finding.level, finding.place, finding.sentence


def is_of(finding: Finding, fault: Fault, model: str) -> bool:
    place = f"{model}/{fault.place}"
    return (finding.level, finding.place) == (fault.level, place) and (
        fault.sentence in finding.sentence
    )


def test_a_good_model_has_no_findings(echo: Path) -> None:
    assert found_in(echo.parent) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_told_once_and_alone(echo: Path, tmp_path: Path, fault: Fault) -> None:
    folder = shutil.copytree(echo, tmp_path / "repository" / "echo")
    fault.plant(folder)

    found = found_in(folder.parent)

    assert len(found) == 1, list(map(told, found))
    assert is_of(found[0], fault, "echo"), told(found[0])
    assert found[0].mend.endswith(".")


def test_all_faults_together_are_all_told(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    models = {f"model_{number}": fault for number, fault in enumerate(FAULTS)}
    for name, fault in models.items():
        fault.plant(write_model(repository / name))

    found = found_in(repository)

    for name, fault in models.items():
        assert any(is_of(finding, fault, name) for finding in found), fault.name
    assert len(found) == len(FAULTS)


def test_every_rule_is_explained(tmp_path: Path) -> None:
    explained = set(re.findall(r"`([a-z-]+)`", (CHECKOUT / "docs" / "repository.md").read_text()))
    for number, fault in enumerate(FAULTS):
        fault.plant(write_model(tmp_path / f"model_{number}"))

    assert {finding.rule for finding in found_in(tmp_path)} <= explained

"""Whatever media users bring: a right result or one clear error, and nothing left over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.server.runtime import CHECKOUT
from tests.cases.case import Case
from tests.cases.report import Row, write_report
from tests.cases.run import run_case
from tests.cases.table import GROUPS

pytestmark = pytest.mark.server

CASES = [
    pytest.param(group, case, id=f"{group}: {case.name}")
    for group, cases in GROUPS.items()
    for case in cases
]


@pytest.fixture(scope="module")
def rows() -> Iterator[list[Row]]:
    """Collects the outcomes; what was run is in the report, in the table's order."""
    collected: list[Row] = []
    yield collected
    report = CHECKOUT / "out" / "media-cases.md"
    report.parent.mkdir(exist_ok=True)
    report.write_text(write_report(collected), "utf-8")


@pytest.mark.parametrize(("group", "case"), CASES)
def test_media_gives_a_right_result_or_one_clear_error(
    group: str,
    case: Case,
    triton_url: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    rows: list[Row],
) -> None:
    outcome = run_case(case, tmp_path, triton_url, capfd, monkeypatch)

    rows.append((group, case, outcome))
    assert not outcome.objections, outcome.text

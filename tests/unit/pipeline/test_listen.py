"""What is told of a recording beside its features."""

from fractions import Fraction

import pytest

from orchestrator.pipeline.listen import Speech
from orchestrator.pipeline.spool import Rows


@pytest.mark.parametrize(("loudest_dbfs", "quiet"), [(-100.0, True), (-50.0, True), (-40.0, False)])
def test_a_recording_in_which_hardly_anything_is_heard_is_quiet(
    loudest_dbfs: float, quiet: bool
) -> None:
    assert Speech(Rows((64,)), Fraction(1), loudest_dbfs).is_quiet is quiet


def test_a_moment_of_sound_is_not_judged() -> None:
    assert not Speech(Rows((64,)), Fraction(1, 10), -100.0).is_quiet

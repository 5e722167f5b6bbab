"""A report is JSON whatever the output is called."""

import json
from fractions import Fraction

import pytest

from orchestrator.pipeline.report import Report


def report_of(output: str) -> Report:
    return Report(
        output=output,
        frames=3,
        frames_with_face=2,
        frames_restored=0,
        frame_rate=Fraction(30000, 1001),
        duration_s=0.1,
        pixel_format="yuv420p",
        encoder="libx264",
        notices=[],
        stages_s={},
        end_to_end_fps=1.0,
        server="127.0.0.1:8001",
        transport="grpc",
        models={},
    )


@pytest.mark.parametrize(
    ("name", "written"), [("说话 😀.mp4", "说话 😀.mp4"), ("bad\udcff.mp4", "bad\\udcff.mp4")]
)
def test_the_name_of_the_output_is_valid_json(name: str, written: str) -> None:
    assert json.loads(report_of(name).model_dump_json())["output"] == written


def test_the_frame_rate_is_written_exactly() -> None:
    assert json.loads(report_of("a.mp4").model_dump_json())["frame_rate"] == "30000/1001"

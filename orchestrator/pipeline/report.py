"""What a finished job did, as one JSON object."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

from pydantic import BaseModel, ConfigDict, Field, field_serializer

from client.model import Batching


class ModelReport(BaseModel):
    """One model's part in a job.

    Attributes:
        version: The version that served the job.
        inferences: Single-frame inferences during the job (of all jobs on the server).
        executions: Batches that Triton ran for them.
        mean_batch: inferences / executions.
        batches: Batch size to number of executions of that size.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    inferences: int
    executions: int
    mean_batch: float
    batches: dict[int, int]

    @classmethod
    def of(cls, name: str, version: str, batching: Batching) -> "ModelReport":
        """Describes what Triton executed."""
        return cls(
            name=name,
            version=version,
            inferences=batching.inferences,
            executions=batching.executions,
            mean_batch=round(batching.mean_batch, 2),
            batches=batching.batches,
        )


class Report(BaseModel):
    """A finished job.

    Attributes:
        output: Path of the video.
        frames: Frames written.
        frames_with_face: Frames that show the speaking face; the others pass through untouched.
        frames_restored: Those of them whose face was restored.
        frame_rate: Exact rate, such as 30000/1001.
        duration_s: Length of the video.
        pixel_format: FFmpeg's name of the format that frames were worked on and encoded in.
        encoder: FFmpeg's name of the encoder.
        notices: What was done otherwise than asked for, or looks wrong in the input.
        stages_s: Wall seconds of every stage.
        end_to_end_fps: frames divided by the wall seconds of all stages but the server's start.
        transport: How frames reached the server: shared-memory or grpc.
        models: Role to model.
    """

    model_config = ConfigDict(frozen=True)

    output: str
    frames: int
    frames_with_face: int
    frames_restored: int
    frame_rate: Fraction
    duration_s: float
    pixel_format: str
    encoder: str
    notices: list[str]
    stages_s: dict[str, float]
    end_to_end_fps: float
    server: str
    transport: str
    models: dict[str, ModelReport]

    @field_serializer("output")
    def _write_name(self, name: str) -> str:
        """JSON is UTF-8, which a file's name need not be."""
        return name.encode("utf-8", "backslashreplace").decode("utf-8")

    @field_serializer("frame_rate")
    def _write_rate(self, rate: Fraction) -> str:
        return str(rate)


class Stopwatch(BaseModel):
    """Wall seconds of named stages."""

    seconds: dict[str, float] = Field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times a block."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - start, 3)

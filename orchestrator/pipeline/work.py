"""What every job does before it makes a frame: files, server, models, speech and faces."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Self

import cv2

from client.connection import Connection
from client.errors import InferenceError, ServerError
from client.model import Batching
from client.retry import Retries
from orchestrator.faces.choice import FaceChoice
from orchestrator.faces.colour import Colour
from orchestrator.media.frames import Frame, read_frames
from orchestrator.media.info import AudioInfo, VideoInfo, probe_audio, probe_video
from orchestrator.media.pictures import Interrupted
from orchestrator.media.speech import read_speech
from orchestrator.media.trim import trimmed
from orchestrator.pipeline.avatar import PreparedAvatar
from orchestrator.pipeline.listen import Speech, listen
from orchestrator.pipeline.models import JobModels
from orchestrator.pipeline.prepare import Preparation
from orchestrator.pipeline.progress import Progress
from orchestrator.pipeline.report import Stopwatch
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.supervisor import supervised
from orchestrator.settings import Idle, Serving, Settings, home
from orchestrator.speech.silence import followed_by_silence
from orchestrator.speech.windows import Samples
from orchestrator.threads import OPENCV


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to make.

    Attributes:
        video: A clip or a photo of the person.
        audio: A speech recording.
        output: The file to write.
        url: gRPC endpoint of a Triton server; None starts the embedded one.
        start_s: Where in the clip to begin.
        duration_s: How much of the clip to use from there; None is all of it.
        face: Who speaks.
        all_faces: Whether everybody does.
    """

    video: Path
    audio: Path
    output: Path
    url: str | None = None
    start_s: Fraction = Fraction(0)
    duration_s: Fraction | None = None
    face: FaceChoice = field(default_factory=FaceChoice)
    all_faces: bool = False


@dataclass(frozen=True)
class Source:
    """The files of a job, looked at before anything is started."""

    video: VideoInfo
    audio: AudioInfo

    @classmethod
    def of(cls, request: Request, settings: Settings) -> Self:
        """Looks at the files of a request.

        Raises:
            LipSyncError: If one cannot be used.
        """
        clip = probe_video(request.video, compatible=settings.encoding.compatible)
        video = trimmed(clip, request.start_s, request.duration_s)
        return cls(video, probe_audio(request.audio))

    def colour(self) -> Colour:
        """Of the clip's planes."""
        return Colour.named(
            self.video.matrix,
            full_range=self.video.full_range,
            bits=self.video.pixel_format.bits,
            chroma_step=self.video.pixel_format.chroma_step,
            chroma_offset=self.video.chroma_offset,
        )


@dataclass(frozen=True)
class Work:
    """A job whose models answer.

    Attributes:
        before: How Triton had batched the models before this job.
        notices: What the user should know, as it was told.
    """

    request: Request
    source: Source
    settings: Settings
    models: JobModels
    before: dict[str, Batching]
    progress: Progress
    watch: Stopwatch
    notices: list[str]

    @property
    def idle(self) -> Idle:
        """What the people do beside speaking; in a clip they move already."""
        return self.settings.idle if self.source.video.is_photo else "still"

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times a stage; what the server or a model fails with is told with the place."""
        with self.watch.stage(name):
            try:
                yield
            except (InferenceError, ServerError) as error:
                error.args = (f"{self.progress.place or name}: {error}",)
                raise

    def tell(self, sentence: str) -> None:
        """Tells the user something, at once and in the report."""
        self.notices.append(sentence)
        self.progress.note(sentence)

    async def hear(self) -> Speech:
        """What the recording says."""
        with self.stage("listen"):
            speech = await listen(self.models, self._heard(), self._heard_s(), self.progress)
        if speech.is_quiet:
            self.tell(
                f"{self.source.audio.path} is very quiet ({speech.loudest_dbfs:.0f} dB at its "
                "loudest), so that the mouth hardly moves: raise its level."
            )
        return speech

    def _heard(self) -> Iterator[Samples]:
        """The recording, and with `pad` silence to the clip's end."""
        sample_rate = self.models.speech_window.sample_rate
        blocks = read_speech(self.source.audio.path, sample_rate)
        if self.settings.when_shorter == "cut":
            return blocks
        return followed_by_silence(blocks, int(self.source.video.duration_s * sample_rate))

    def _heard_s(self) -> Fraction:
        pads = self.settings.when_shorter == "pad"
        return max(self.source.audio.duration_s, self.source.video.duration_s * pads)

    async def look(self, total: int) -> PreparedAvatar:
        """Who is to be seen in the clip, as far as `total` frames of output show it."""
        preparation = Preparation(
            self.models,
            self.source.colour(),
            self.progress,
            frame_rate=self.source.video.frame_rate,
            presence_threshold=self.settings.faces.presence_threshold,
            choice=self.request.face,
            all_faces=self.request.all_faces,
        )
        expected = min(total, self.source.video.frame_count)
        with self.stage("prepare"):
            return await preparation.run(
                lambda: self._clip(total, preparation.interrupted), expected
            )

    def _clip(self, total: int, interrupted: Interrupted) -> Iterator[Frame]:
        """The clip's frames that the output can show."""
        with closing(read_frames(self.source.video, interrupted=interrupted)) as frames:
            yield from islice(frames, total)


@asynccontextmanager
async def begun(
    request: Request, source: Source, settings: Settings, progress: Progress
) -> AsyncIterator[Work]:
    """Starts or finds the server, and opens the models of a job."""
    cv2.setNumThreads(OPENCV)
    watch, notices = Stopwatch(), list[str]()

    def tell(event: str) -> None:
        notices.append(event)
        progress.note(event)

    retry_s = settings.serving.retry_timeout_s
    async with (
        _server(request.url, settings, progress, watch, tell) as url,
        _connection(url, settings.serving, is_own=request.url is None) as server,
    ):
        models, before = await Retries(retry_s).run(lambda: _models(server, settings))
        progress.ask(models.vigils)
        yield Work(request, source, settings, models, before, progress, watch, notices)


def _connection(url: str, serving: Serving, *, is_own: bool) -> Connection:
    return Connection(
        url,
        access=None if is_own else serving.access(),
        retry_timeout_s=serving.retry_timeout_s,
        transport=serving.transport,
    )


async def _models(server: Connection, settings: Settings) -> tuple[JobModels, dict[str, Batching]]:
    """Opens the models, and reads how Triton batched them before this job."""
    models = await JobModels.open(
        server,
        settings.models.by_role(),
        stall_s=settings.serving.stall_timeout_s,
        frames_per_request=settings.serving.frames_per_request,
        paste=settings.faces.paste,
    )
    return models, await models.batching()


@asynccontextmanager
async def _server(
    url: str | None,
    settings: Settings,
    progress: Progress,
    watch: Stopwatch,
    on_event: Callable[[str], None],
) -> AsyncIterator[str]:
    if url is not None:
        yield url
        return
    progress.start("server", None)
    with watch.stage("server"):
        server = await EmbeddedServer.start(
            home() / "model_repository",
            models=sorted(settings.models.by_role().values()),
            start_timeout_s=settings.serving.start_timeout_s,
        )
    stall_s = settings.serving.stall_timeout_s
    async with server, supervised(server, stall_s=stall_s, on_event=on_event):
        progress.finish("server")
        yield server.url

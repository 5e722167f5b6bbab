"""One job from files to file: the only place where media, geometry, speech and models meet."""

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
from orchestrator.media.encoders import Encoder, Encoding, choose_encoder, usual_codec
from orchestrator.media.frames import Frame, read_frames
from orchestrator.media.info import AudioInfo, VideoInfo, probe_audio, probe_video
from orchestrator.media.pictures import Interrupted
from orchestrator.media.playback import play
from orchestrator.media.speech import read_speech
from orchestrator.media.trim import trimmed
from orchestrator.media.writer import VideoWriter, check_output, frames_for
from orchestrator.pipeline.avatar import PreparedAvatar
from orchestrator.pipeline.listen import listen
from orchestrator.pipeline.models import JobModels
from orchestrator.pipeline.prepare import Preparation
from orchestrator.pipeline.progress import Progress
from orchestrator.pipeline.report import ModelReport, Report, Stopwatch
from orchestrator.pipeline.speak import Speaking, Written
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.supervisor import supervised
from orchestrator.settings import Serving, Settings, home
from orchestrator.speech.silence import followed_by_silence
from orchestrator.speech.windows import Samples
from orchestrator.threads import OPENCV, ThreadPlan


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to make.

    Attributes:
        video: A clip or a photo of the person.
        audio: A speech recording.
        output: The MP4 file to write.
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


async def generate(request: Request, settings: Settings, progress: Progress) -> Report:
    """Makes the video.

    Raises:
        LipSyncError: With one sentence that says what is wrong; no output is left behind.
    """
    cv2.setNumThreads(OPENCV)
    media = _Media.of(request, settings)
    for notice in media.encoder.notices:
        progress.note(notice)
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
        job = _Job(request, media, settings, models, before, progress, watch, notices)
        return await job.run()


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


@dataclass(frozen=True)
class _Media:
    """The files of a job, looked at before anything is started."""

    video: VideoInfo
    audio: AudioInfo
    encoder: Encoder

    @classmethod
    def of(cls, request: Request, settings: Settings) -> Self:
        wanted = settings.encoding
        clip = probe_video(request.video, compatible=wanted.compatible)
        video = trimmed(clip, request.start_s, request.duration_s)
        audio = probe_audio(request.audio)
        check_output(request.output, request.video, request.audio)
        usual = usual_codec(video.pixel_format, wanted.encoder)
        codec = usual if wanted.codec == "auto" else wanted.codec
        encoding = Encoding(codec, wanted.crf, wanted.preset, wanted.encoder)
        encoder = choose_encoder(video, encoding, ThreadPlan.of_this_process().encoder)
        return cls(video, audio, encoder)

    def colour(self) -> Colour:
        return Colour.named(
            self.video.matrix,
            full_range=self.video.full_range,
            bits=self.video.pixel_format.bits,
            chroma_step=self.video.pixel_format.chroma_step,
            chroma_offset=self.video.chroma_offset,
        )


@dataclass(frozen=True)
class _Job:
    request: Request
    media: _Media
    settings: Settings
    models: JobModels
    before: dict[str, Batching]
    progress: Progress
    watch: Stopwatch
    notices: list[str]

    async def run(self) -> Report:
        with self._stage("listen"):
            speech = await listen(self.models, self._heard(), self._heard_s(), self.progress)
        if speech.is_quiet:
            self._note_quiet(speech.loudest_dbfs)
        total = frames_for(speech.duration_s, self.media.video.frame_rate)
        with self._stage("prepare"):
            avatar = await self._prepare(total)
        with self._stage("speak"):
            speaking = Speaking(
                self.models,
                avatar,
                speech,
                self.media.colour(),
                self.media.video.frame_rate,
                self.progress,
                idle=self.settings.idle if self.media.video.is_photo else "still",
            )
            written = await self._write(speaking, total)
        return await self._report(written)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        """Times a stage; what the server or a model fails with is told with the place."""
        with self.watch.stage(name):
            try:
                yield
            except (InferenceError, ServerError) as error:
                error.args = (f"{self.progress.place or name}: {error}",)
                raise

    def _note_quiet(self, loudest_dbfs: float) -> None:
        self.notices.append(
            f"{self.media.audio.path} is very quiet ({loudest_dbfs:.0f} dB at its loudest), so that"
            " the mouth hardly moves: raise its level."
        )
        self.progress.note(self.notices[-1])

    def _heard(self) -> Iterator[Samples]:
        """The recording, and with `pad` silence to the clip's end."""
        sample_rate = self.models.speech_window.sample_rate
        blocks = read_speech(self.media.audio.path, sample_rate)
        if self.settings.when_shorter == "cut":
            return blocks
        return followed_by_silence(blocks, int(self.media.video.duration_s * sample_rate))

    def _heard_s(self) -> Fraction:
        pads = self.settings.when_shorter == "pad"
        return max(self.media.audio.duration_s, self.media.video.duration_s * pads)

    async def _prepare(self, total: int) -> PreparedAvatar:
        preparation = Preparation(
            self.models,
            self.media.colour(),
            self.progress,
            frame_rate=self.media.video.frame_rate,
            presence_threshold=self.settings.faces.presence_threshold,
            choice=self.request.face,
            all_faces=self.request.all_faces,
        )
        expected = min(total, self.media.video.frame_count)
        return await preparation.run(lambda: self._clip(total, preparation.interrupted), expected)

    def _clip(self, total: int, interrupted: Interrupted) -> Iterator[Frame]:
        """The clip's frames that the output can show."""
        with closing(read_frames(self.media.video, interrupted=interrupted)) as frames:
            yield from islice(frames, total)

    async def _write(self, speaking: Speaking, total: int) -> Written:
        frames = play(
            self.media.video,
            total,
            self.settings.when_longer,
            interrupted=speaking.interrupted,
        )
        with VideoWriter(
            self.request.output,
            self.media.video,
            self.media.audio.path,
            self.media.encoder,
        ) as writer:
            return await speaking.run(frames, writer, total)

    async def _batching(self) -> dict[str, Batching]:
        """How Triton batched the job; nothing where the server went away: the video is there."""
        try:
            return await self.models.batching()
        except (ServerError, InferenceError) as error:
            self.notices.append(f"What the models did is not known: {error}")
            self.progress.note(self.notices[-1])
            return self.before

    async def _report(self, written: Written) -> Report:
        after = await self._batching()
        busy_s = sum(s for stage, s in self.watch.seconds.items() if stage != "server")
        video = self.media.video
        return Report(
            output=str(self.request.output),
            frames=written.frames,
            frames_with_face=written.with_face,
            frame_rate=video.frame_rate,
            duration_s=float(written.frames / video.frame_rate),
            pixel_format=video.pixel_format.name,
            encoder=self.media.encoder.name,
            notices=[*self.media.encoder.notices, *self.notices],
            stages_s=self.watch.seconds,
            end_to_end_fps=round(written.frames / busy_s, 2),
            server=self.models.wenet.connection.url,
            transport=self.models.wenet.connection.transport,
            models={
                role: ModelReport.of(
                    model.name, model.version, after[role].since(self.before[role])
                )
                for role, model in self.models.by_role.items()
            },
        )

"""One job from files to file: the only place where media, geometry, speech and models meet."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2

from client.connection import Connection
from client.model import Batching
from orchestrator.faces.choice import FaceChoice
from orchestrator.faces.colour import Colour
from orchestrator.media.encoders import Encoding
from orchestrator.media.frames import Frame, read_frames
from orchestrator.media.info import AudioInfo, VideoInfo, probe_audio, probe_video
from orchestrator.media.playback import play
from orchestrator.media.speech import read_speech
from orchestrator.media.writer import VideoWriter, check_output, frames_for
from orchestrator.pipeline.listen import listen
from orchestrator.pipeline.models import JobModels
from orchestrator.pipeline.prepare import Preparation
from orchestrator.pipeline.progress import Progress
from orchestrator.pipeline.report import ModelReport, Report, Stopwatch
from orchestrator.pipeline.speak import Speaking, Written
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.settings import Settings, home


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to make.

    Attributes:
        video: A clip or a photo of the person.
        audio: A speech recording.
        output: The MP4 file to write.
        url: gRPC endpoint of a Triton server; None starts the embedded one.
    """

    video: Path
    audio: Path
    output: Path
    url: str | None = None


async def generate(request: Request, settings: Settings, progress: Progress) -> Report:
    """Makes the video.

    Raises:
        LipSyncError: With one sentence that says what is wrong; no output is left behind.
    """
    cv2.setNumThreads(1)  # frames are worked on side by side in the job's own threads
    video, audio = probe_video(request.video), probe_audio(request.audio)
    check_output(request.output, request.video, request.audio)
    watch = Stopwatch()
    async with _server(request.url, settings, progress, watch) as url, Connection(url) as server:
        job = await _Job.open(server, request, video, audio, settings, progress, watch)
        return await job.run()


@asynccontextmanager
async def _server(
    url: str | None, settings: Settings, progress: Progress, watch: Stopwatch
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
    async with server:
        progress.finish("server")
        yield server.url


@dataclass(frozen=True)
class _Job:
    request: Request
    video: VideoInfo
    audio: AudioInfo
    settings: Settings
    models: JobModels
    before: dict[str, Batching]
    progress: Progress
    watch: Stopwatch

    @classmethod
    async def open(
        cls,
        server: Connection,
        request: Request,
        video: VideoInfo,
        audio: AudioInfo,
        settings: Settings,
        progress: Progress,
        watch: Stopwatch,
    ) -> "_Job":
        models = await JobModels.open(
            server, settings.models.by_role(), timeout_s=settings.serving.stall_timeout_s
        )
        before = await models.batching()
        return cls(request, video, audio, settings, models, before, progress, watch)

    async def run(self) -> Report:
        with self.watch.stage("listen"):
            blocks = read_speech(self.audio.path, self.models.speech_window.sample_rate)
            speech = await listen(self.models, blocks, self.audio.duration_s, self.progress)
        total = frames_for(speech.duration_s, self.video.frame_rate)
        with self.watch.stage("prepare"):
            preparation = Preparation(
                self.models,
                self._colour(),
                self.progress,
                frame_rate=self.video.frame_rate,
                presence_threshold=self.settings.faces.presence_threshold,
                choice=FaceChoice(),
                all_faces=False,
            )
            expected = min(total, self.video.frame_count)
            avatar = await preparation.run(lambda: self._clip(total), expected)
        with self.watch.stage("speak"):
            speaking = Speaking(
                self.models, avatar, speech, self._colour(), self.video.frame_rate, self.progress
            )
            written = await self._write(speaking, total)
        return await self._report(written)

    def _clip(self, total: int) -> Iterator[Frame]:
        """The clip's frames that the output can show."""
        with closing(read_frames(self.video)) as frames:
            yield from islice(frames, total)

    async def _write(self, speaking: Speaking, total: int) -> Written:
        frames = play(self.video, total, self.settings.when_longer)
        with VideoWriter(
            self.request.output,
            self.video,
            self.audio.path,
            Encoding(crf=self.settings.encoding.crf, preset=self.settings.encoding.preset),
        ) as writer:
            return await speaking.run(frames, writer, total)

    async def _report(self, written: Written) -> Report:
        after = await self.models.batching()
        busy_s = sum(s for stage, s in self.watch.seconds.items() if stage != "server")
        return Report(
            output=str(self.request.output),
            frames=written.frames,
            frames_with_face=written.with_face,
            frame_rate=self.video.frame_rate,
            duration_s=float(written.frames / self.video.frame_rate),
            stages_s=self.watch.seconds,
            end_to_end_fps=round(written.frames / busy_s, 2),
            server=self.models.wenet.connection.url,
            models={
                role: ModelReport.of(
                    model.name, model.version, after[role].since(self.before[role])
                )
                for role, model in self.models.by_role.items()
            },
        )

    def _colour(self) -> Colour:
        return Colour.named(
            self.video.matrix,
            full_range=self.video.full_range,
            bits=self.video.pixel_format.bits,
            chroma_step=self.video.pixel_format.chroma_step,
            chroma_offset=self.video.chroma_offset,
        )

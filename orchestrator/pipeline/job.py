"""One job from files to file: the only place where media, geometry, speech and models meet."""

from client.errors import InferenceError, ServerError
from client.model import Batching
from orchestrator.media.encoders import Encoder, Encoding, choose_encoder, usual_codec
from orchestrator.media.info import VideoInfo
from orchestrator.media.playback import play
from orchestrator.media.writer import VideoWriter, check_output, frames_for
from orchestrator.pipeline.progress import Progress
from orchestrator.pipeline.report import ModelReport, Report
from orchestrator.pipeline.speak import Speaking, Written
from orchestrator.pipeline.work import Request, Source, Work, begun
from orchestrator.settings import Settings
from orchestrator.threads import ThreadPlan

__all__ = ["Request", "generate"]


async def generate(request: Request, settings: Settings, progress: Progress) -> Report:
    """Makes the video.

    Raises:
        LipSyncError: With one sentence that says what is wrong; no output is left behind.
    """
    source = Source.of(request, settings)
    check_output(request.output, request.video, request.audio)
    encoder = encoder_for(source.video, settings)
    for notice in encoder.notices:
        progress.note(notice)
    async with begun(request, source, settings, progress) as work:
        speech = await work.hear()
        total = frames_for(speech.duration_s, source.video.frame_rate)
        avatar = await work.look(total)
        with work.stage("speak"):
            speaking = Speaking(
                work.models,
                avatar,
                speech,
                source.colour(),
                source.video.frame_rate,
                progress,
                idle=work.idle,
                restoration=settings.faces.restoration,
            )
            written = await _write(work, speaking, encoder, total)
        return await _report(work, encoder, written)


def encoder_for(video: VideoInfo, settings: Settings) -> Encoder:
    """The encoder that takes these pictures, as the settings wish."""
    wanted = settings.encoding
    usual = usual_codec(video.pixel_format, wanted.encoder)
    codec = usual if wanted.codec == "auto" else wanted.codec
    encoding = Encoding(codec, wanted.crf, wanted.preset, wanted.encoder)
    return choose_encoder(video, encoding, ThreadPlan.of_this_process().encoder)


async def _write(work: Work, speaking: Speaking, encoder: Encoder, total: int) -> Written:
    source = work.source
    frames = play(source.video, total, work.settings.when_longer, interrupted=speaking.interrupted)
    with VideoWriter(work.request.output, source.video, source.audio.path, encoder) as writer:
        return await speaking.run(frames, writer, total)


async def _batching(work: Work) -> dict[str, Batching]:
    """How Triton batched the job; nothing where the server went away: the video is there."""
    try:
        return await work.models.batching()
    except (ServerError, InferenceError) as error:
        work.tell(f"What the models did is not known: {error}")
        return work.before


async def _report(work: Work, encoder: Encoder, written: Written) -> Report:
    after = await _batching(work)
    busy_s = sum(s for stage, s in work.watch.seconds.items() if stage != "server")
    video = work.source.video
    return Report(
        output=str(work.request.output),
        frames=written.frames,
        frames_with_face=written.with_face,
        frames_restored=written.with_face if work.models.face_restoration else 0,
        frame_rate=video.frame_rate,
        duration_s=float(written.frames / video.frame_rate),
        pixel_format=video.pixel_format.name,
        encoder=encoder.name,
        notices=[*encoder.notices, *work.notices],
        stages_s=work.watch.seconds,
        end_to_end_fps=round(written.frames / busy_s, 2),
        server=work.models.wenet.connection.url,
        transport=work.models.wenet.connection.transport,
        models={
            role: ModelReport.of(model.name, model.version, after[role].since(work.before[role]))
            for role, model in work.models.by_role.items()
        },
    )

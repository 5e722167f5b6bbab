"""At any moment a job says in one sentence what it waits for."""

import asyncio
import json

import pytest

from client.vigil import Vigil, Wait, Work
from orchestrator.pipeline.progress import Silent
from orchestrator.pipeline.state import StageState
from orchestrator.pipeline.waiting import JobState, Waiting

MODEL = "landmark2face version 1"


class Clock:
    """Time that passes when a test says so."""

    at_s = 100.0

    def now_s(self) -> float:
        return self.at_s


def asked(wait: Wait, in_flight: int = 16) -> Waiting:
    return Waiting(
        stage="speak", done=96, total=201, waits_for=MODEL, in_flight=in_flight, model=wait
    )


@pytest.mark.parametrize(
    ("waiting", "sentence"),
    [
        (Waiting(waits_for="the server"), "waits for the server"),
        (Waiting(stage="server"), "start the server"),
        (
            Waiting(stage="prepare", done=12, total=240, waits_for="the decoder", in_flight=2),
            "find the face 12/240: waits for the decoder",
        ),
        (
            Waiting(stage="listen", done=3, total=None, waits_for="the decoder"),
            "listen to the speech 3: waits for the decoder",
        ),
        (
            Waiting(stage="speak", done=96, total=201, waits_for="the encoder", in_flight=18),
            "speak 96/201: waits for the encoder",
        ),
        (
            asked(Wait(requests=4, quiet_s=0.42, queue_s=0.0123)),
            "speak 96/201: waits for landmark2face version 1 "
            "(16 in flight, last answer 0.4 s ago, 12 ms in the server's queue)",
        ),
        (
            asked(Wait(requests=1, quiet_s=61.25, heard=False), in_flight=1),
            "speak 96/201: waits for landmark2face version 1 (1 in flight, no answer for 61.2 s)",
        ),
        (
            asked(Wait(requests=1, quiet_s=2.0, queue_s=3.21)),
            "speak 96/201: waits for landmark2face version 1 "
            "(16 in flight, last answer 2.0 s ago, 3.2 s in the server's queue)",
        ),
    ],
)
def test_the_sentence_names_stage_and_who_is_waited_for(waiting: Waiting, sentence: str) -> None:
    assert waiting.sentence() == sentence


def test_the_reason_is_the_sentence_without_the_stage() -> None:
    waiting = Waiting(stage="speak", done=96, total=201, waits_for="the encoder")
    assert waiting.reason() == "waits for the encoder"
    assert Waiting(stage="server").reason() == ""


def test_the_data_tells_all_of_it_in_seconds() -> None:
    data = asked(Wait(requests=4, quiet_s=0.42, batch_s=0.08, queue_s=0.0123)).data()
    assert json.loads(json.dumps(data)) == {
        "sentence": asked(Wait(requests=4, quiet_s=0.42, queue_s=0.0123)).sentence(),
        "stage": "speak",
        "done": 96,
        "total": 201,
        "waits_for": MODEL,
        "in_flight": 16,
        "requests": 4,
        "last_answer_s": 0.42,
        "batch_s": 0.08,
        "queue_s": 0.0123,
    }


def test_what_is_not_known_is_null() -> None:
    data = asked(Wait(requests=4, quiet_s=0.42, heard=False)).data()
    assert [data[key] for key in ("last_answer_s", "batch_s", "queue_s")] == [None] * 3


async def unread() -> Work:
    raise AssertionError("nobody asks the server for this")


def vigil(name: str) -> Vigil:
    return Vigil(name, unread, stall_s=60)


class Shown(Silent):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def start(self, stage: str, total: int | None) -> None:
        self.told.append((stage, total))

    def advance(self, stage: str) -> None:
        self.told.append((stage, "step"))

    def finish(self, stage: str) -> None:
        self.told.append((stage, "end"))

    def note(self, sentence: str) -> None:
        self.told.append(("note", sentence))


def in_transform(state: StageState) -> StageState:
    state.begin()
    state.transform()
    return state


async def test_a_job_passes_its_advance_on_and_counts_it() -> None:
    shown = Shown()
    job = JobState(shown)
    job.start("speak", 2)
    job.advance("speak")
    assert (job.now().stage, job.now().done, job.now().total) == ("speak", 1, 2)
    job.note("It is quiet.")
    job.finish("speak")
    assert shown.told == [
        ("speak", 2),
        ("speak", "step"),
        ("note", "It is quiet."),
        ("speak", "end"),
    ]


async def test_before_and_after_its_stages_a_job_waits_for_the_server_and_its_own_end() -> None:
    job = JobState(Silent())
    assert job.now() == Waiting(waits_for="the server")
    job.start("speak", 2)
    job.follow(StageState())
    job.finish("speak")
    assert job.now() == Waiting(waits_for="what is left to close")


async def test_a_new_stage_does_not_wait_for_what_the_last_one_did() -> None:
    job = JobState(Silent())
    job.start("listen", 3)
    job.follow(StageState())
    job.start("prepare", 240)
    assert job.now().sentence() == "find the face 0/240"


async def test_of_the_models_that_were_asked_the_quietest_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr("client.vigil.AwakeClock", lambda: clock)
    models = {name: vigil(name) for name in ("idle", "quick", "quiet")}
    job = JobState(Silent())
    job.ask(models)
    job.start("prepare", 240)
    job.follow(in_transform(StageState()))
    answers = asyncio.Event()
    waiting = [asyncio.create_task(models["quiet"].keep(answers.wait()))]
    await asyncio.sleep(0)
    clock.at_s = 103.0
    waiting.append(asyncio.create_task(models["quick"].keep(answers.wait())))
    await asyncio.sleep(0)
    assert job.now().sentence() == (
        "find the face 0/240: waits for quiet (1 in flight, no answer for 3.0 s)"
    )
    answers.set()
    await asyncio.gather(*waiting)


async def test_a_model_that_is_to_be_asked_again_is_the_servers_affair() -> None:
    job = JobState(Silent())
    job.ask({"idle": vigil("idle")})
    job.start("speak", 201)
    job.follow(in_transform(StageState()))
    assert job.now().sentence() == "speak 0/201: waits for the server"


def test_the_video_is_in_place_after_the_last_stage_alone() -> None:
    state = JobState(Silent())
    for stage in ("listen", "prepare", "speak"):
        state.start(stage, 1)
        assert not state.is_written
        state.finish(stage)
    assert state.is_written

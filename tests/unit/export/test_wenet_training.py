"""How the speech encoder learns: the schedule, and going on after a stop."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor

from export.builtin.wenet import utterances as store
from export.builtin.wenet.phones import INDEX
from export.builtin.wenet.train import Schedule, train
from export.builtin.wenet.utterances import Segment, Utterance


def test_the_rate_rises_stays_and_falls() -> None:
    schedule = Schedule(steps=1000, batch_size=1, warm_up_steps=100, decay_share=0.5, peak_rate=1)
    assert schedule.rate(0) == pytest.approx(0.01)
    assert schedule.rate(100) == schedule.rate(499) == 1
    assert schedule.rate(750) == pytest.approx(0.5)
    assert 0 < schedule.rate(999) < 0.01


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of two sounds that a network can tell apart."""
    folder = tmp_path_factory.mktemp("corpus")
    noise = np.random.default_rng(0)
    seconds = np.arange(16_000) / 16_000
    hiss = noise.normal(0, 3000, 16_000)
    tone = 8000 * np.sin(2 * np.pi * 300 * seconds)
    for name, samples in (("SZ", hiss), ("a", tone)):
        said = Utterance(samples.astype(np.int16), [Segment(0, 1, INDEX[name], True)], name)
        store.save(folder / "train" / f"engine-{name}-0.npz", [said] * 5)
    return folder


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schedule of a few seconds."""
    schedule = Schedule(steps=4, batch_size=2, warm_up_steps=1)
    monkeypatch.setattr("export.builtin.wenet.train.schedule_for", lambda device: schedule)


def weights(path: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(path, weights_only=True)
    return state


@pytest.mark.usefixtures("short")
def test_a_run_that_was_stopped_goes_on_from_there(corpus: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "encoder.pt"
    train(corpus, checkpoint, seconds=0)
    assert not checkpoint.exists()
    train(corpus, checkpoint)
    assert torch.load(checkpoint.with_suffix(".progress"), weights_only=True)["step"] == 4
    assert weights(checkpoint)["phone_head.weight"].isfinite().all()


@pytest.mark.usefixtures("short")
def test_nothing_half_written_stays(corpus: Path, tmp_path: Path) -> None:
    train(corpus, tmp_path / "encoder.pt")
    assert {path.name for path in tmp_path.iterdir()} == {"encoder.pt", "encoder.progress"}

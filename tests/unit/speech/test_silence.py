"""A short recording is followed by silence; a long one is left alone."""

import numpy as np
import pytest

from orchestrator.speech.silence import followed_by_silence


@pytest.mark.parametrize("samples", [5, 7, 16000, 50001])
def test_a_short_recording_is_followed_by_silence_to_the_sample(samples: int) -> None:
    heard = np.concatenate(list(followed_by_silence([np.ones(3, np.float32)], samples)))

    assert len(heard) == samples
    assert heard[:3].all()
    assert not heard[3:].any()


def test_a_long_recording_is_left_as_it_is() -> None:
    blocks = [np.ones(4, np.float32), np.ones(2, np.float32)]

    assert list(followed_by_silence(blocks, 5)) == blocks


def test_silence_comes_in_bounded_blocks() -> None:
    assert max(map(len, followed_by_silence([], 1_000_000))) == 16000

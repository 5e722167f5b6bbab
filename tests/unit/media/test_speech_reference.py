"""The model hears what an independent reader of sound hears: same samples, same moments."""

from pathlib import Path

import librosa
import numpy as np

from orchestrator.media.speech import read_speech

SPEECH = Path(__file__).parents[2] / "data" / "speech.wav"


def test_resampled_speech_is_librosas_to_40_db() -> None:
    heard = np.concatenate(list(read_speech(SPEECH, sample_rate=16000)))
    reference, _ = librosa.load(SPEECH, sr=16000, res_type="soxr_vhq")

    assert abs(len(heard) - len(reference)) <= 1
    shared = min(len(heard), len(reference))
    noise = heard[:shared] - reference[:shared]
    ratio_db = 10 * np.log10(np.mean(reference**2) / np.mean(noise**2))
    assert ratio_db > 40

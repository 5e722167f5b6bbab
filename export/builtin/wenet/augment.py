"""Make clean synthetic speech sound like recordings: speed, rooms, noise, microphones, codecs."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from export.builtin.wenet.utterances import SAMPLE_RATE_HZ, Segment

Sound = NDArray[np.float64]
Babble = Callable[[int], Sound]


class Recording(NamedTuple):
    """Mono speech at 16 kHz, [n] float64 in -1..1, and its phones."""

    samples: Sound
    segments: list[Segment]


def augment(recording: Recording, rng: np.random.Generator, babble: Babble) -> Recording:
    """Change a clean recording as a room, a microphone and a codec might.

    Args:
        recording: clean speech.
        rng: draws what is done, and how strongly.
        babble: gives [n] samples of other people's speech.

    Returns:
        A recording of a new length, with its segments moved along.
    """
    recording = change_speed(recording, rng.uniform(0.82, 1.2))
    if rng.random() < 0.35:
        recording = change_tempo(recording, rng.uniform(0.8, 1.3))
    sound = recording.samples / (np.abs(recording.samples).max() + 1e-9)
    for share, effect in (
        (0.75, colour),
        (0.35, add_room),
        (0.30, swell),
    ):
        if rng.random() < share:
            sound = effect(sound, rng)
    if rng.random() < 0.7:
        sound = add_noise(sound, rng, babble)
    for share, effect in ((0.4, limit_band), (0.1, quantise), (0.15, overdrive)):
        if rng.random() < share:
            sound = effect(sound, rng)
    return Recording(set_level(sound, rng), recording.segments)


def change_speed(recording: Recording, factor: float) -> Recording:
    """Play faster (above 1) or slower by resampling: pitch and formants move along."""
    percent = round(100 * factor)
    samples = scipy.signal.resample_poly(recording.samples, 100, percent)
    return Recording(samples, _squeeze(recording.segments, percent / 100))


def change_tempo(recording: Recording, factor: float) -> Recording:
    """Speak faster or slower at the same pitch, by WSOLA.

    Source: W. Verhelst and M. Roelands, "An overlap-add technique based on waveform
    similarity (WSOLA)", ICASSP 1993.
    """
    frame, hop, reach = 480, 240, 120
    source = recording.samples
    length = int(len(source) / factor)
    stretched = np.zeros(length + 2 * frame)
    window = scipy.signal.windows.hann(frame, sym=False)
    previous = 0
    for out in range(0, length - frame, hop):
        first = max(0, int(out * factor) - reach)
        last = min(len(source) - frame, int(out * factor) + reach)
        if last <= first:
            break
        chosen = first
        natural = source[previous + hop : previous + hop + frame]
        if out and len(natural) == frame:
            match = scipy.signal.fftconvolve(source[first : last + frame], natural[::-1], "valid")
            chosen = first + int(np.argmax(match))
        stretched[out : out + frame] += source[chosen : chosen + frame] * window
        previous = chosen
    return Recording(stretched[:length], _squeeze(recording.segments, factor))


def _squeeze(segments: list[Segment], factor: float) -> list[Segment]:
    return [
        segment._replace(start_s=segment.start_s / factor, end_s=segment.end_s / factor)
        for segment in segments
    ]


def colour(sound: Sound, rng: np.random.Generator) -> Sound:
    """Tilt the spectrum and raise or lower up to three bands, as microphones do."""
    for _ in range(int(rng.integers(0, 4))):
        frequency_hz = np.exp(rng.uniform(np.log(120), np.log(7000)))
        sound = _peak(sound, frequency_hz, rng.uniform(0.4, 2.5), rng.uniform(-12, 12))
    if rng.random() < 0.5:
        sound = scipy.signal.lfilter([1, rng.uniform(-0.8, 0.8)], [1], sound)
    return sound


def _peak(sound: Sound, frequency_hz: float, quality: float, gain_db: float) -> Sound:
    """Peaking equaliser. Source: R. Bristow-Johnson, "Audio EQ Cookbook"."""
    gain = 10 ** (gain_db / 40)
    angle = 2 * np.pi * frequency_hz / SAMPLE_RATE_HZ
    alpha = np.sin(angle) / (2 * quality)
    cosine = -2 * np.cos(angle)
    numerator = [1 + alpha * gain, cosine, 1 - alpha * gain]
    denominator = [1 + alpha / gain, cosine, 1 - alpha / gain]
    return np.asarray(scipy.signal.lfilter(numerator, denominator, sound))


def add_room(sound: Sound, rng: np.random.Generator) -> Sound:
    """Convolve with a made-up room: direct sound, a few early echoes, a decaying tail."""
    length = int(SAMPLE_RATE_HZ * rng.uniform(0.08, 0.5))
    decay = np.exp(-6.9 * np.arange(length) / length)  # -60 dB at the end
    response = rng.standard_normal(length) * decay * rng.uniform(0.01, 0.12)
    response[: int(0.002 * SAMPLE_RATE_HZ)] = 0
    response[0] = 1
    for _ in range(int(rng.integers(0, 6))):
        response[int(rng.integers(30, 900))] += rng.uniform(-0.4, 0.5)
    return np.asarray(scipy.signal.fftconvolve(sound, response)[: len(sound)])


def swell(sound: Sound, rng: np.random.Generator) -> Sound:
    """Let the level wander, as when a speaker moves."""
    knots = np.linspace(0, len(sound), 5)
    gain_db = np.interp(np.arange(len(sound)), knots, rng.uniform(-8, 4, 5))
    return np.asarray(sound * 10 ** (gain_db / 20))


def add_noise(sound: Sound, rng: np.random.Generator, babble: Babble) -> Sound:
    """Add hiss, rumble, hum or babble at 5 to 45 dB below the speech (babble 10 to 45)."""
    count = len(sound)
    kind = int(rng.integers(4))
    if kind == 0:
        noise = rng.standard_normal(count)
    elif kind == 1:
        noise = scipy.signal.lfilter([1], [1, -0.97], rng.standard_normal(count))
    elif kind == 2:
        noise = _hum(count, rng)
    else:
        noise = np.sum([babble(count) for _ in range(int(rng.integers(3, 7)))], axis=0)
    snr_db = rng.uniform(10 if kind == 3 else 5, 45)
    level = np.sqrt(np.mean(sound**2)) / (noise.std() + 1e-9) * 10 ** (-snr_db / 20)
    return np.asarray(sound + noise * level)


def _hum(count: int, rng: np.random.Generator) -> Sound:
    seconds = np.arange(count) / SAMPLE_RATE_HZ
    mains_hz = rng.choice([50, 60])
    hum = rng.uniform(0.05, 1) * rng.standard_normal(count)
    for harmonic in range(1, 6):
        phase = rng.uniform(0, 2 * np.pi)
        hum += rng.uniform(0, 1) * np.sin(2 * np.pi * mains_hz * harmonic * seconds + phase)
    return hum


def limit_band(sound: Sound, rng: np.random.Generator) -> Sound:
    """Cut the band as a codec, a telephone or a high-pass filter does."""
    kind = rng.choice(["low-pass", "telephone", "high-pass"], p=[0.6, 0.16, 0.24])
    if kind == "low-pass":
        sections = _butterworth(int(rng.integers(4, 9)), rng.uniform(3000, 7600), "lowpass")
    elif kind == "telephone":
        low_hz, high_hz = rng.uniform(80, 350), rng.uniform(3300, 3800)
        sections = np.vstack(
            [_butterworth(4, low_hz, "highpass"), _butterworth(4, high_hz, "lowpass")]
        )
    else:
        sections = _butterworth(2, rng.uniform(60, 250), "highpass")
    return np.asarray(scipy.signal.sosfilt(sections, sound))


def _butterworth(order: int, edge_hz: float, shape: str) -> Sound:
    return np.asarray(scipy.signal.butter(order, edge_hz, shape, fs=SAMPLE_RATE_HZ, output="sos"))


def quantise(sound: Sound, rng: np.random.Generator) -> Sound:
    """Round coarsely on a logarithmic (mu-law) scale."""
    steps, mu = int(rng.integers(31, 127)), 255
    scaled = sound / (np.abs(sound).max() + 1e-9)
    compressed = np.log1p(mu * np.abs(scaled)) / np.log1p(mu)
    rounded = np.round(compressed * steps) / steps
    return np.asarray(np.sign(scaled) * np.expm1(rounded * np.log1p(mu)) / mu)


def overdrive(sound: Sound, rng: np.random.Generator) -> Sound:
    """Distort softly, as a microphone turned up too far does."""
    scaled = sound / (np.abs(sound).max() + 1e-9)
    return np.asarray(np.tanh(scaled * rng.uniform(1.5, 5)))


def set_level(sound: Sound, rng: np.random.Generator) -> Sound:
    """Bring the peak to between -30 and -0.2 dB of full scale."""
    peak = 10 ** (rng.uniform(-30, -0.2) / 20)
    return np.asarray(sound / (np.abs(sound).max() + 1e-9) * peak)

"""Make clean synthetic speech sound like recordings: rooms, noise, microphones, codecs, levels.

Everything works on batches of windows [B, n] float32 on any device, and keeps the times of the
sounds as they are.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from export.builtin.wenet.utterances import SAMPLE_RATE_HZ


class Augmenter:
    """Changes windows as rooms, microphones and codecs might, anew on every call.

    Args:
        generator: of the device that the windows are on; draws everything.
        clean_share: of the windows, that stay as they are.
    """

    def __init__(self, generator: torch.Generator, clean_share: float = 0.15) -> None:
        self._generator, self._clean_share = generator, clean_share
        self._device = generator.device

    def __call__(self, speech: Tensor) -> Tensor:
        """Change windows [B, n] in -1..1; some stay as they are, but for their level."""
        clean = self._chance(len(speech), self._clean_share)
        sound = speech / self._peak(speech)
        others = sound
        for share, effect in (
            (0.75, self.colour),
            (0.40, self.add_room),
            (0.30, self.swell),
        ):
            sound = self._sometimes(share, effect, sound)
        sound = self.add_noise(sound, others)
        for share, effect in (
            (0.40, self.limit_band),
            (0.25, self.drop_details),
            (0.08, self.quantise),
            (0.15, self.overdrive),
        ):
            sound = self._sometimes(share, effect, sound)
        sound = torch.where(clean, others, sound)
        return self.set_level(sound)

    def _uniform(self, count: int, low: float, high: float) -> Tensor:
        drawn = torch.rand(count, 1, generator=self._generator, device=self._device)
        return drawn * (high - low) + low

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self._generator, device=self._device)

    def _chance(self, count: int, share: float) -> Tensor:
        return self._uniform(count, 0, 1) < share

    def _sometimes(self, share: float, effect: Callable[[Tensor], Tensor], sound: Tensor) -> Tensor:
        chosen = self._chance(len(sound), share).squeeze(1)
        if not bool(chosen.any()):
            return sound
        changed = sound.clone()
        changed[chosen] = effect(sound[chosen])
        return changed

    @staticmethod
    def _peak(sound: Tensor) -> Tensor:
        return sound.abs().amax(dim=1, keepdim=True) + 1e-6

    def colour(self, sound: Tensor) -> Tensor:
        """Raise and lower bands of the spectrum by up to some 15 dB, as microphones do."""
        knots = self._normal(len(sound), 9) * self._uniform(len(sound), 0, 7)
        return _filter(sound, lambda hz: 10 ** (_between(knots, _log_place(hz)) / 20))

    def limit_band(self, sound: Tensor) -> Tensor:
        """Cut the band as a codec (60 %), a telephone or a high-pass filter does."""
        count = len(sound)
        kind = self._uniform(count, 0, 1)
        low_hz = torch.where(kind < 0.6, 1.0, self._uniform(count, 60, 350))
        high_hz = torch.where(kind < 0.76, self._uniform(count, 3000, 7600), 1e6)
        telephone_hz = self._uniform(count, 3300, 3800)
        high_hz = torch.where((kind >= 0.6) & (kind < 0.76), telephone_hz, high_hz)
        order = self._uniform(count, 4, 12).round()

        def gain(hz: Tensor) -> Tensor:
            high = 1 / torch.sqrt(1 + (hz / high_hz) ** (2 * order))
            return high / torch.sqrt(1 + (low_hz / hz.clamp(min=1)) ** 4)

        return _filter(sound, gain)

    def add_room(self, sound: Tensor) -> Tensor:
        """Convolve with a made-up room: direct sound, a few early echoes, a decaying tail."""
        count, length = len(sound), int(0.7 * SAMPLE_RATE_HZ)
        time = torch.arange(length, device=self._device) / SAMPLE_RATE_HZ
        decay_s = self._uniform(count, 0.08, 0.7)
        tail = self._normal(count, length) * torch.exp(-6.9 * time / decay_s)  # -60 dB at decay_s
        tail = tail * self._uniform(count, 0.01, 0.12) * (time > 0.002)
        for _ in range(4):
            place = self._uniform(count, 30, 900).long()
            tail.scatter_add_(1, place, self._uniform(count, -0.4, 0.5) * self._chance(count, 0.6))
        tail[:, 0] = 1
        return _filter(sound, response=tail)

    def swell(self, sound: Tensor) -> Tensor:
        """Let the level wander, as when a speaker moves."""
        knots = self._uniform(len(sound) * 5, -8, 4).reshape(-1, 5)
        place = torch.linspace(0, 1, sound.shape[1], device=self._device)
        return sound * 10 ** (_between(knots, place) / 20)

    def add_noise(self, sound: Tensor, others: Tensor) -> Tensor:
        """Add nothing (25 %), hiss to rumble, hum, music, babble, or one other speaker.

        Noise is 3 to 45 dB below the speech, speakers 8 to 45; where nobody speaks its level is
        -85 to -25 dB.
        """
        count = len(sound)
        kind = self._uniform(count, 0, 1).squeeze(1)
        noise = torch.zeros_like(sound)
        sources: tuple[tuple[float, float, Callable[[int], Tensor]], ...] = (
            (0.25, 0.55, lambda chosen: self._hiss(chosen, sound.shape[1])),
            (0.55, 0.63, lambda chosen: self._hum(chosen, sound.shape[1])),
            (0.63, 0.75, lambda chosen: self._music(chosen, sound.shape[1])),
            (0.75, 0.93, lambda chosen: self._babble(chosen, others, 5)),
            (0.93, 1.01, lambda chosen: self._babble(chosen, others, 1)),
        )
        for first, last, make in sources:
            chosen = (kind >= first) & (kind < last)
            if bool(chosen.any()):
                noise[chosen] = make(int(chosen.sum()))
        quietest = torch.where(kind < 0.75, 3.0, 8.0).unsqueeze(1)
        snr_db = quietest + (45 - quietest) * self._uniform(count, 0, 1)
        speech_level, noise_level = _level(sound), _level(noise)
        alone = 10 ** (self._uniform(count, -85, -25) / 20)
        wanted = torch.where(speech_level > 1e-5, speech_level * 10 ** (-snr_db / 20), alone)
        return sound + noise * wanted / (noise_level + 1e-9)

    def _hiss(self, count: int, length: int) -> Tensor:
        """Noise whose level falls or rises with frequency, and may come and go."""
        slope = self._uniform(count, -2.0, 0.5)
        noise = _filter(self._normal(count, length), lambda hz: hz.clamp(min=20) ** (slope / 2))
        depth_db = self._normal(count, 12) * self._uniform(count, 0, 12)
        place = torch.linspace(0, 1, length, device=self._device)
        return noise * 10 ** (_between(depth_db, place) / 20)

    def _hum(self, count: int, length: int) -> Tensor:
        """Mains hum: five harmonics of 50 or 60 Hz, and some hiss."""
        time = torch.arange(length, device=self._device) / SAMPLE_RATE_HZ
        mains_hz = torch.where(self._chance(count, 0.5), 50.0, 60.0)
        hum = self._uniform(count, 0.05, 1) * self._normal(count, length)
        for harmonic in range(1, 6):
            phase = self._uniform(count, 0, 2 * math.pi)
            angle = 2 * math.pi * mains_hz * harmonic * time + phase
            hum = hum + self._uniform(count, 0, 1) * torch.sin(angle)
        return hum

    def _music(self, count: int, length: int) -> Tensor:
        """Four voices of plucked or held notes, a step apart from a common key, and a beat."""
        music = torch.zeros(count, length, device=self._device)
        time = torch.arange(length, device=self._device) / SAMPLE_RATE_HZ
        note_s = self._uniform(count, 0.15, 0.6)
        beat = time / note_s
        index, into = beat.floor().long(), (beat % 1) * note_s
        fade = torch.exp(-into * self._uniform(count, 0, 12))
        key_hz = self._uniform(count, 60, 220)
        brightness = self._uniform(count, 0.6, 2)
        for _ in range(4):
            steps = (self._uniform(count * 64, 0, 25).reshape(count, 64)).floor()
            steps = steps.gather(1, index.clamp(max=63))
            turns = torch.cumsum(key_hz * 2 ** (steps / 12) / SAMPLE_RATE_HZ, dim=1)
            for harmonic in range(1, 6):
                music += fade * torch.sin(2 * math.pi * harmonic * turns) / harmonic**brightness
        drum = self._normal(count, length) * torch.exp(-into * 40)
        return music + drum * self._uniform(count, 0, 2)

    def _babble(self, count: int, others: Tensor, speakers: int) -> Tensor:
        babble = torch.zeros(count, others.shape[1], device=self._device)
        for _ in range(speakers):
            rows = self._uniform(count, 0, len(others)).long().squeeze(1)
            shift = int(self._uniform(1, 0, others.shape[1]))
            other = torch.roll(others[rows], shift, dims=1)
            babble += other / (_level(other) + 1e-3)
        return babble

    def drop_details(self, sound: Tensor) -> Tensor:
        """Leave out what is weak in a band beside its strongest moment, as lossy codecs do."""
        window = torch.hann_window(512, device=self._device)
        spectrum = torch.stft(sound, 512, 256, window=window, return_complex=True)
        level_db = 20 * torch.log10(spectrum.abs() + 1e-7)
        loudest = torch.nn.functional.max_pool2d(
            level_db.unsqueeze(1), (17, 5), stride=1, padding=(8, 2)
        ).squeeze(1)
        kept = level_db > loudest - self._uniform(len(sound), 8, 35).unsqueeze(2)
        return torch.istft(spectrum * kept, 512, 256, window=window, length=sound.shape[1])

    def quantise(self, sound: Tensor) -> Tensor:
        """Round coarsely on a logarithmic (mu-law) scale."""
        steps, mu = self._uniform(len(sound), 31, 127).round(), 255.0
        scaled = sound / self._peak(sound)
        compressed = torch.log1p(mu * scaled.abs()) / math.log1p(mu)
        rounded = torch.round(compressed * steps) / steps
        return scaled.sign() * torch.expm1(rounded * math.log1p(mu)) / mu

    def overdrive(self, sound: Tensor) -> Tensor:
        """Distort softly, as a microphone turned up too far does."""
        return torch.tanh(sound / self._peak(sound) * self._uniform(len(sound), 1.5, 5))

    def set_level(self, sound: Tensor) -> Tensor:
        """Bring the peak to between -30 and -0.2 dB of full scale, in steps of 16 bits."""
        peak = self._peak(sound)
        wanted = 10 ** (self._uniform(len(sound), -30, -0.2) / 20)
        wanted = torch.where(_level(sound) > 1e-3, wanted, peak)
        return torch.round(sound / peak * wanted * 32768) / 32768


def _level(sound: Tensor) -> Tensor:
    return sound.square().mean(dim=1, keepdim=True).sqrt()


def _filter(
    sound: Tensor,
    gain: Callable[[Tensor], Tensor] | None = None,
    response: Tensor | None = None,
) -> Tensor:
    """Apply a gain for each frequency, without delay, or an impulse response."""
    length = sound.shape[1]
    size = _good_size(length + SAMPLE_RATE_HZ)
    spectrum = torch.fft.rfft(sound, size)
    if gain is not None:
        hz = torch.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ, device=sound.device)
        spectrum = spectrum * gain(hz)
    if response is not None:
        spectrum = spectrum * torch.fft.rfft(response, size)
    filtered: Tensor = torch.fft.irfft(spectrum, size)[:, :length]
    return filtered


def _good_size(length: int) -> int:
    """Find the smallest 2^a or 3 · 2^a that is not below a length."""
    power = 1 << (length - 1).bit_length()
    return power * 3 // 4 if power * 3 // 4 >= length else power


def _log_place(hz: Tensor) -> Tensor:
    """Place frequencies on a logarithmic scale: 60 Hz is 0 and 8 kHz is 1."""
    return (torch.log(hz.clamp(min=60) / 60) / math.log(8000 / 60)).clamp(max=1)


def _between(knots: Tensor, place: Tensor) -> Tensor:
    """Interpolate evenly spaced knots [B, k] linearly at places [n] in 0..1: [B, n]."""
    scaled = place * (knots.shape[1] - 1)
    lower = scaled.long().clamp(max=knots.shape[1] - 2)
    share = scaled - lower
    return knots[:, lower] * (1 - share) + knots[:, lower + 1] * share

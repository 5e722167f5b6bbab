"""Changes that make clean speech sound recorded: what they do, and that sounds keep their times."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from torch import Generator, Tensor

from export.builtin.wenet.augment import Augmenter
from export.builtin.wenet.phones import INDEX
from export.builtin.wenet.tape import CELL_SAMPLES, Tape, windows

RATE_HZ = 16_000
LENGTH = 2 * RATE_HZ
SIL = INDEX["sil"]

EFFECTS: dict[str, Callable[[Augmenter, Tensor], Tensor]] = {
    "everything": Augmenter.__call__,
    "colour": Augmenter.colour,
    "limit_band": Augmenter.limit_band,
    "add_room": Augmenter.add_room,
    "swell": Augmenter.swell,
    "add_noise": lambda augmenter, sound: augmenter.add_noise(sound, sound),
    "drop_details": Augmenter.drop_details,
    "quantise": Augmenter.quantise,
    "overdrive": Augmenter.overdrive,
    "set_level": Augmenter.set_level,
}


def generator(seed: int = 0) -> Generator:
    return torch.Generator().manual_seed(seed)


def augmenter(seed: int = 0, clean_share: float = 0.15) -> Augmenter:
    return Augmenter(generator(seed), clean_share)


def noise(count: int, length: int = LENGTH, seed: int = 1) -> Tensor:
    """Steady sound of all frequencies, at -14 dB."""
    return 0.2 * torch.randn(count, length, generator=generator(seed))


def bursts(count: int = 32) -> Tensor:
    """Sound that comes and goes as syllables do, in another rhythm in every window."""
    rng = np.random.default_rng(2)
    lengths = rng.integers(1200, 4000, size=(count, 40))
    loud = [np.repeat(np.arange(40) % 2, row)[:LENGTH] for row in lengths]
    return noise(count) * torch.from_numpy(np.stack(loud)).float()


def level_db(sound: Tensor) -> NDArray[np.float32]:
    """Root mean square of each window, in dB of full scale."""
    levels: NDArray[np.float32] = (10 * torch.log10(sound.square().mean(dim=1) + 1e-20)).numpy()
    return levels


def peak_db(sound: Tensor) -> NDArray[np.float32]:
    peaks: NDArray[np.float32] = (20 * torch.log10(sound.abs().amax(dim=1) + 1e-20)).numpy()
    return peaks


def lags_ms(changed: Tensor, sound: Tensor) -> NDArray[np.float64]:
    """How much later each window has become, by the highest point of the cross-correlation."""
    size, reach = 1 << 16, 800
    spectrum = torch.fft.rfft(changed, size) * torch.fft.rfft(sound, size).conj()
    likeness = torch.fft.irfft(spectrum, size).roll(reach, dims=1)[:, : 2 * reach + 1]
    places = likeness.abs().argmax(dim=1).numpy()
    return np.asarray((places - reach) * 1000 / RATE_HZ)


def gains_db(changed: Tensor, sound: Tensor, low_hz: float, high_hz: float) -> NDArray[np.float32]:
    """By how much a band of each window has become louder."""
    hz = torch.fft.rfftfreq(sound.shape[1], 1 / RATE_HZ)
    band, fade = (hz >= low_hz) & (hz < high_hz), torch.hann_window(sound.shape[1])
    after, before = (
        torch.fft.rfft(part * fade)[:, band].abs().square().sum(dim=1) for part in (changed, sound)
    )
    gains: NDArray[np.float32] = (10 * torch.log10(after / before)).numpy()
    return gains


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_changes_windows_and_keeps_their_shape(name: str) -> None:
    sound = bursts()
    before = sound.clone()
    changed = EFFECTS[name](augmenter(), sound)
    assert changed.shape == sound.shape
    assert changed.dtype == torch.float32
    assert torch.isfinite(changed).all()
    assert not torch.equal(changed, sound)
    assert torch.equal(sound, before)  # what it was given stays as it was


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_stands_digital_silence(name: str) -> None:
    silence = torch.zeros(8, LENGTH)
    assert torch.isfinite(EFFECTS[name](augmenter(), silence)).all()


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_keeps_the_times_of_the_sounds(name: str) -> None:
    sound = bursts()
    for seed in range(3):
        changed = EFFECTS[name](augmenter(seed), sound)
        assert np.abs(lags_ms(changed, sound)).max() < 1


@pytest.mark.parametrize("name", ["colour", "limit_band", "add_room", "drop_details"])
def test_a_filtered_sound_begins_when_it_began(name: str) -> None:
    onset, sound = LENGTH // 2, noise(16)
    sound[:, :onset] = 0
    changed = EFFECTS[name](augmenter(), sound)
    early, late = changed[:, : onset - 320], changed[:, onset : onset + 320]
    assert (level_db(early) < level_db(late) - 40).all()


def test_echoes_of_the_end_do_not_come_back_at_the_beginning() -> None:
    sound = torch.zeros(16, LENGTH)
    sound[:, -100:] = noise(16, 100)
    changed = augmenter().add_room(sound)
    assert level_db(changed[:, : LENGTH // 2]).max() < -110


def test_a_room_sounds_on_after_the_speech() -> None:
    sound = noise(16)
    sound[:, LENGTH // 2 :] = 0
    changed = augmenter().add_room(sound)
    after = changed[:, LENGTH // 2 : LENGTH // 2 + 800]
    assert np.median(level_db(after) - level_db(sound)) > -30
    assert (level_db(changed[:, -2000:]) < level_db(after)).all()


def test_the_colour_of_a_microphone_is_smooth_and_moderate() -> None:
    sound = noise(64)
    changed = augmenter().colour(sound)
    edges_hz = [100 * 2 ** (step / 2) for step in range(12)]
    gains = np.stack([gains_db(changed, sound, *band_hz) for band_hz in pairwise(edges_hz)])
    assert np.abs(gains).max() < 25
    assert 2 < gains.std() < 8
    assert np.abs(np.diff(gains, axis=0)).max() < 20


def test_a_band_limit_keeps_the_middle_of_speech() -> None:
    sound = noise(200)
    assert np.abs(gains_db(augmenter().limit_band(sound), sound, 800, 2000)).max() < 1


def test_a_band_limit_cuts_the_top_in_three_quarters_of_the_windows() -> None:
    sound = noise(200)
    changed = augmenter().limit_band(sound)
    tops_db = gains_db(changed, sound, 7800, 8000)
    assert 0.66 < (tops_db < -2.5).mean() < 0.86
    assert (tops_db < -20).mean() > 0.4
    assert np.abs(tops_db[tops_db >= -2.5]).max() < 0.5


def test_a_telephone_leaves_no_more_than_its_band() -> None:
    sound = noise(200)
    changed = augmenter().limit_band(sound)
    cut_below = gains_db(changed, sound, 20, 50) < -2
    cut_above = gains_db(changed, sound, 5500, 6000) < -12
    assert 0.08 < (cut_below & cut_above).mean() < 0.26
    assert 0.3 < cut_below.mean() < 0.5  # telephones and high-pass filters


def test_noise_stays_below_the_speech() -> None:
    sound = bursts(128)
    added = augmenter().add_noise(sound, bursts(128)) - sound
    below_db = level_db(sound) - level_db(added)
    quiet = below_db > 100
    assert 0.15 < quiet.mean() < 0.35
    assert below_db[~quiet].min() > 2.9
    assert below_db[~quiet].max() < 45.1
    assert below_db[~quiet].std() > 8


def test_noise_is_of_many_kinds() -> None:
    """Steady or not, high or low: the noises of a hundred windows are far from alike."""
    sound = bursts(128)
    added = augmenter().add_noise(sound, bursts(128)) - sound
    noisy = added[torch.from_numpy(level_db(added) > -90)]
    spectra = torch.fft.rfft(noisy).abs().square()
    hz = torch.fft.rfftfreq(LENGTH, 1 / RATE_HZ)
    centres_hz = ((spectra * hz).sum(dim=1) / spectra.sum(dim=1)).numpy()
    assert np.quantile(centres_hz, 0.1) < 600
    assert np.quantile(centres_hz, 0.9) > 3000


def test_where_nobody_speaks_noise_has_a_level_of_its_own() -> None:
    silence = torch.zeros(256, LENGTH)
    heard_db = level_db(augmenter().add_noise(silence, bursts(256)))
    noisy = heard_db[heard_db > -100]
    assert 0.65 < len(noisy) / len(heard_db) < 0.85
    assert noisy.min() > -85.5
    assert noisy.max() < -24.5
    assert noisy.max() - noisy.min() > 40


def test_windows_without_speech_get_sound_and_stay_labelled_silent() -> None:
    cells = 10 * RATE_HZ // CELL_SAMPLES
    tape = Tape(
        (noise(1, cells * CELL_SAMPLES)[0] * 32_767).clamp(-32_768, 32_767).to(torch.int16),
        torch.full((cells,), INDEX["a"], dtype=torch.uint8),
        torch.ones(cells, dtype=torch.bool),
    )
    source, change, heard = windows(tape, 32, generator()), augmenter(), []
    for _ in range(8):
        batch = next(source)
        speechless = ~batch.speech.any(dim=1)
        assert (batch.phones[speechless][:, :, SIL] == 1).all()
        heard.append(change(batch.speech)[speechless].any(dim=1))
    assert 0.3 < float(torch.cat(heard).float().mean()) < 1


def test_a_swelling_level_stays_within_its_limits() -> None:
    sound = torch.full((32, LENGTH), 0.5)
    gain_db = 20 * torch.log10(augmenter().swell(sound) / 0.5)
    assert gain_db.min() >= -8.01
    assert gain_db.max() <= 4.01
    assert gain_db.std(dim=1).min() > 0.2
    assert gain_db.diff(dim=1).abs().max() < 0.01


def test_a_lossy_codec_drops_what_stands_beside_something_much_louder() -> None:
    time = torch.arange(LENGTH) / RATE_HZ
    loud, faint, apart = (torch.sin(2 * torch.pi * hz * time) for hz in (1000, 1200, 4000))
    sound = (loud + 0.002 * faint + 0.002 * apart).expand(16, -1)
    changed = augmenter().drop_details(sound)
    inner = slice(2000, LENGTH - 2000)  # a tone that begins or ends has other frequencies too
    changed, sound = changed[:, inner], sound[:, inner]
    assert gains_db(changed, sound, 1150, 1250).max() < -20
    assert np.abs(gains_db(changed, sound, 950, 1050)).max() < 0.1
    assert np.abs(gains_db(changed, sound, 3950, 4050)).max() < 0.1


def test_a_lossy_codec_drops_little_of_the_energy() -> None:
    sound = bursts()
    below_db = level_db(sound) - level_db(EFFECTS["drop_details"](augmenter(), sound) - sound)
    assert 4 < below_db.min() < 12
    assert below_db.max() > 20


def test_quantised_sound_has_few_levels_that_are_fine_where_it_is_quiet() -> None:
    ramp = torch.linspace(-0.5, 0.5, LENGTH).expand(16, -1)
    for row in augmenter().quantise(ramp):
        levels = row.unique()
        assert 2 * 31 + 1 <= len(levels) <= 2 * 127 + 1
        steps = levels.diff()
        assert steps.max() > 20 * steps.min()
    np.testing.assert_allclose(augmenter().quantise(ramp), 2 * ramp, atol=0.1)


def test_overdrive_presses_peaks_and_keeps_the_order_of_samples() -> None:
    ramp = torch.linspace(-0.5, 0.5, 1001).expand(16, -1)
    driven = augmenter().overdrive(ramp)
    assert driven.abs().max() < 1
    assert (driven.diff(dim=1) > 0).all()
    steps = driven.diff(dim=1)
    assert (steps[:, 500] > 3 * steps[:, 0]).all()


def test_peaks_are_set_below_full_scale_in_steps_of_sixteen_bits() -> None:
    levelled = augmenter().set_level(noise(128))
    peaks = peak_db(levelled)
    assert peaks.min() > -30.1
    assert peaks.max() < -0.1
    assert peaks.max() - peaks.min() > 25
    steps = levelled * 32_768
    assert torch.equal(steps, steps.round())


def test_a_very_quiet_window_is_not_made_loud() -> None:
    faint = noise(16) * 10 ** (-60 / 20)
    np.testing.assert_allclose(augmenter().set_level(faint), faint, atol=0.6 / 32_768)


def test_a_clean_window_only_gets_another_level() -> None:
    sound = bursts()
    changed = augmenter(clean_share=1)(sound)
    scales = changed.abs().amax(dim=1, keepdim=True) / sound.abs().amax(dim=1, keepdim=True)
    np.testing.assert_allclose(changed, sound * scales, atol=1 / 32_768)
    assert scales.std() > 0.1


def test_some_windows_are_left_clean() -> None:
    sound = bursts(128)
    changed = augmenter(clean_share=0.3)(sound)
    scales = changed.abs().amax(dim=1, keepdim=True) / sound.abs().amax(dim=1, keepdim=True)
    clean = ((changed - sound * scales).abs() <= 1 / 32_768).all(dim=1)
    assert 0.2 < float(clean.float().mean()) < 0.5


def test_the_same_generator_makes_the_same_changes() -> None:
    sound = bursts()
    once, again, other = (augmenter(seed)(sound) for seed in (0, 0, 1))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


def test_every_call_changes_anew() -> None:
    sound, change = bursts(), augmenter()
    assert not torch.equal(change(sound), change(sound))


def test_changes_differ_from_window_to_window() -> None:
    sound = bursts(1).expand(32, -1)
    changed = augmenter()(sound)
    assert len({tuple(row[::997].tolist()) for row in changed}) == 32

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_gen.audio.decode import to_int16
from model_gen.training import disturbances as d
from model_gen.training.disturbances import Floats

RATE = 8000
SEEDS = st.integers(0, 2**32 - 1)
Disturbance = Callable[[Floats, np.random.Generator], Floats]
ALL: dict[str, Disturbance] = {
    "gain": lambda x, rng: d.gain(x, float(rng.uniform(-96, 96))),
    "noise": lambda x, rng: d.noise(
        x, rng.normal(size=len(x)).astype(np.float32) * 9999, float(rng.uniform(-60, 96))
    ),
    "hum": lambda x, rng: d.hum(x, rng, RATE),
    "click": d.click,
    "dc": d.dc,
    "rain": lambda x, rng: d.rain(x, rng, RATE),
}


def sound(seed: int, samples: int) -> Floats:
    """Any int16 samples, in fractions of full scale."""
    drawn = np.random.default_rng(seed).integers(-32768, 32768, samples)
    return (drawn / 32768).astype(np.float32)


def draws(count: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in range(count)]


def db(ratio: float) -> float:
    return 20 * math.log10(ratio)


@settings(deadline=None)
@given(st.sampled_from(sorted(ALL)), SEEDS, st.integers(1, 3000))
def test_each_gives_finite_float32_from_its_generator_alone_and_keeps_what_it_is_given(
    name: str, seed: int, samples: int
) -> None:
    x = sound(seed, samples)
    before = x.copy()
    once, again = (ALL[name](x, np.random.default_rng(seed)) for _ in range(2))
    assert once.dtype == np.float32
    assert once.shape == x.shape
    assert np.isfinite(once).all()
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(x, before)
    assert (
        to_int16(once).astype(float) - np.clip(np.rint(once * 32768.0), -32768, 32767) == 0
    ).all()


@given(st.floats(-96, 96))
def test_a_gain_changes_the_level_by_its_decibels(decibels: float) -> None:
    got = d.gain(np.array([0.5, -0.25, 0], np.float32), decibels)
    assert db(float(got[0]) / 0.5) == pytest.approx(decibels, abs=1e-4)
    assert got[1] == -got[0] / 2
    assert got[2] == 0


@settings(deadline=None)
@given(SEEDS, st.floats(-60, 96), st.integers(1, 2000))
def test_noise_has_the_drawn_ratio_to_what_is_loud(
    seed: int, decibels: float, samples: int
) -> None:
    x = sound(seed, samples) * np.float32(0.3)
    piece = 1000 * sound(seed + 1, len(x)) + np.float32(1)
    added = d.noise(np.zeros_like(x), piece, 0)  # the shape of what is added
    np.testing.assert_allclose(added / added[0], piece / piece[0], rtol=1e-4)
    level = max(math.sqrt(naive_loud_power(x)), 1e-3)
    got = d.noise(x, piece, decibels).astype(np.float64) - x
    size = math.sqrt(sum(float(v) ** 2 for v in got) / len(got))
    wanted = level / 10 ** (decibels / 20)
    assert abs(size - wanted) <= 1e-3 * wanted + 2e-7


def naive_loud_power(x: Floats) -> float:
    """The same, a sample at a time."""
    frame = max(1, len(x) // 64)
    energies = [
        sum(float(v) ** 2 for v in x[begin : begin + frame]) for begin in range(0, len(x), frame)
    ]
    total = sum(energies)
    return sum(e * e for e in energies) / total / frame if total else 0.0


@pytest.mark.parametrize("share", [0.1, 0.25, 1.0])
@pytest.mark.parametrize("around", [0.0, 0.05])
@pytest.mark.parametrize("place", [0.0, 0.3, 1.0])
def test_a_clip_is_as_loud_wherever_it_lies_in_whatever_quiet(
    share: float, around: float, place: float
) -> None:
    rng = np.random.default_rng(0)
    x = around * 0.1 * rng.normal(size=64_000)
    length = int(share * len(x))
    begin = int(place * (len(x) - length))
    x[begin : begin + length] += 0.1 * rng.normal(size=length)
    assert 10 * math.log10(d.loud_power(x.astype(np.float32)) / 0.01) == pytest.approx(0, abs=0.8)


def test_under_silence_noise_is_measured_by_the_quietest_level() -> None:
    silence, piece = np.zeros(4000, np.float32), sound(1, 4000)
    got = d.noise(silence, piece, 20)
    assert db(math.sqrt(d.power(got)) / d.QUIETEST) == pytest.approx(-20, abs=0.01)


def test_a_silent_piece_adds_nothing() -> None:
    x = sound(0, 50)
    np.testing.assert_array_equal(d.noise(x, np.zeros(50, np.float32), -60), x)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 384000, 7919])
def test_hum_is_the_mains_and_its_harmonics_and_nothing_else(rate: int) -> None:
    seen = set()
    for rng in draws(30):
        got = d.hum(np.zeros(rate, np.float32), rng, rate).astype(np.float64)
        spectrum = np.abs(np.fft.rfft(got)) / (rate / 2)  # by Hz, peaks
        mains = int(np.argmax(spectrum))
        seen.add(mains)
        peak = spectrum[mains]
        assert d.HUM[0] * 0.999 <= peak <= d.HUM[1] * 1.001
        for number in range(2, d.HARMONICS + 1):
            if number * mains < rate / 2:
                assert spectrum[number * mains] <= peak / number * 1.001
        spectrum[mains : (d.HARMONICS * mains) + 1 : mains] = 0
        assert spectrum.max() < 1e-6
    assert seen == {50, 60}


def test_hum_has_no_harmonics_above_half_the_rate() -> None:
    for rng in draws(20):
        got = d.hum(np.zeros(130, np.float32), rng, 130).astype(np.float64)
        spectrum = np.abs(np.fft.rfft(got)) / 65
        assert np.flatnonzero(spectrum > 1e-6).tolist() in ([50], [60])


def test_hum_begins_anywhere_in_its_cycle() -> None:
    begins = [d.hum(np.zeros(9, np.float32), rng, RATE)[0] for rng in draws(200)]
    assert 60 < sum(one > 0 for one in begins) < 140


def test_clicks_are_few_equal_samples_of_either_sign_up_to_full_scale() -> None:
    samples = 1 << 17  # so many that clicks hardly ever overlap
    widths, heights, counts = [], [], []
    for rng in draws(400):
        got = d.click(np.zeros(samples, np.float32), rng)
        places = np.flatnonzero(got)
        runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
        for run in runs:
            assert len(set(got[run].tolist())) == 1
        counts.append(len(runs))
        widths += [len(run) for run in runs]
        heights += [float(got[run[0]]) for run in runs]
    assert set(counts) == set(range(1, d.CLICKS + 1))
    assert set(widths) == set(range(1, d.CLICK_SAMPLES + 1))
    sizes = np.abs(heights)
    assert d.CLICK[0] * 0.999 <= sizes.min() < 0.032
    assert 0.97 < sizes.max() <= d.CLICK[1]
    assert 0.45 < np.mean(np.array(heights) > 0) < 0.55


def test_clicks_are_anywhere() -> None:
    changed = sum((d.click(np.zeros(50, np.float32), rng) != 0).astype(int) for rng in draws(2000))
    assert min(changed) > 0
    assert max(changed[4:]) < 1.5 * np.mean(changed[4:])


def test_dc_is_one_constant_of_either_sign_and_goes_beyond_a_tenth() -> None:
    found = []
    for rng in draws(1000):
        got = d.dc(np.zeros(5, np.float32), rng)
        assert len(set(got.tolist())) == 1
        found.append(float(got[0]))
    sizes = np.abs(found)
    assert d.DC[0] * 0.999 <= sizes.min() < 0.0011
    assert 0.19 < sizes.max() <= d.DC[1]
    assert 0.45 < np.mean(np.array(found) > 0) < 0.55


def naive_rain(x: Floats, rng: np.random.Generator) -> list[float]:
    """The same, a drop and a sample at a time."""
    drops = 1 + int(10 * (1000 / 10) ** rng.random() * len(x) / RATE)
    loudest = 3e-3 * (0.3 / 3e-3) ** rng.random()
    shares = rng.random(drops)
    signs = rng.choice((-1, 1), drops)
    shape = [v * math.exp(-i / 8) for i, v in enumerate(rng.uniform(-1, 1, 32))]
    out = [float(v) for v in x]
    for place, share, sign in zip(rng.integers(0, len(x), drops), shares, signs, strict=True):
        for i, value in enumerate(shape):
            if place + i < len(x):
                out[place + i] += loudest * share * sign * value
    return out


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(1, 4000))
def test_rain_is_drops_added_one_by_one(seed: int, samples: int) -> None:
    x = sound(seed, samples)
    got = d.rain(x, np.random.default_rng(seed), RATE)
    want = naive_rain(x, np.random.default_rng(seed))
    np.testing.assert_allclose(got, want, atol=1e-6)


def test_rain_is_of_any_density_between_its_bounds() -> None:
    wet = [np.mean(d.rain(np.zeros(RATE, np.float32), rng, RATE) != 0) for rng in draws(200)]
    assert min(wet) < 20 * d.DROP_SAMPLES / RATE
    assert max(wet) > 0.9


@given(SEEDS, st.integers(1, 5000))
def test_power_is_the_mean_square(seed: int, samples: int) -> None:
    x = sound(seed, samples)
    assert d.power(x) == pytest.approx(float(np.mean(x.astype(np.float64) ** 2)), rel=1e-4)

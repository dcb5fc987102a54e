"""What is heard where no bird sings: wind, rain and insects."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float64]

BAND = (1000.0, 10000.0)  # Hz, in which the signal-to-noise ratio is measured


def background(samples: int, rate: int, rng: np.random.Generator) -> Samples:
    """A mixture of wind, rain and insects, each with its own weight; float64 [samples], RMS 1 within `BAND`."""
    parts = (
        (0.9, (0.3, 1.0), wind),
        (0.5, (0.2, 1.0), rain),
        (0.5, (0.1, 0.7), insects),
    )
    mixture = 0.15 * rng.standard_normal(samples)
    for chance, weights, part in parts:
        present = rng.uniform() < chance
        weight = rng.uniform(*weights)
        if present:
            mixture += weight * part(samples, rate, rng)
    return mixture / band_rms(mixture, rate)


def wind(samples: int, rate: int, rng: np.random.Generator) -> Samples:
    """Noise that falls with frequency, in gusts; its RMS is 3, as most of it lies below the birds."""
    corner = rng.uniform(80, 400)
    steepness = rng.uniform(1.0, 1.8)
    noise = _shaped(
        rng.standard_normal(samples), rate, lambda f: 1 / (1 + (f / corner) ** steepness)
    )
    gusts = np.exp(_slow(samples, rate, rng.uniform(0.3, 1.5), rng) * 0.5)
    return 3.0 * _unit(noise * gusts)


def rain(samples: int, rate: int, rng: np.random.Generator) -> Samples:
    """Hiss and drops, RMS 1."""
    drops = np.zeros(samples)
    count = rng.poisson(rng.uniform(30, 400) * samples / rate)
    drops[rng.integers(0, samples, count)] = rng.exponential(1.0, count) * rng.choice(
        (-1, 1), count
    )
    centre = rng.uniform(2500, 6000)
    drops = _shaped(drops, rate, lambda f: np.exp(-(((f - centre) / 2500) ** 2)))
    hiss = _shaped(rng.standard_normal(samples), rate, lambda f: f / (f + 1500))
    share = rng.uniform(0.3, 1.0)
    return _unit(_unit(hiss) + share * _unit(drops + 1e-12 * hiss))


def insects(samples: int, rate: int, rng: np.random.Generator) -> Samples:
    """One to three pulsing carriers between 3.5 and 9.5 kHz, RMS 1."""
    time = np.arange(samples) / rate
    total = np.zeros(samples)
    for _ in range(int(rng.integers(1, 4))):
        carrier = rng.uniform(3500, 9500)
        pulse = rng.uniform(12, 70)
        drift = 1 + 0.004 * _slow(samples, rate, 3.0, rng)
        phase = 2 * np.pi * np.cumsum(carrier * drift) / rate
        beats = np.maximum(0, np.sin(2 * np.pi * pulse * time + rng.uniform(0, 6.28)))
        if rng.uniform() < 0.5:  # in verses, as crickets
            beats *= np.sin(2 * np.pi * rng.uniform(1.0, 3.0) * time + rng.uniform(0, 6.28)) > -0.2
        total += rng.uniform(0.3, 1.0) * beats * np.sin(phase)
    return _unit(total)


def band_rms(sound: Samples, rate: int) -> float:
    """Root mean square of what lies within `BAND`."""
    spectrum = np.fft.rfft(sound)
    frequency = np.fft.rfftfreq(len(sound), 1 / rate)
    inside = spectrum[(frequency >= BAND[0]) & (frequency <= BAND[1])]
    return float(np.sqrt(2 * np.sum(np.abs(inside) ** 2)) / len(sound))


def _shaped(sound: Samples, rate: int, gain: Callable[[Samples], Samples]) -> Samples:
    frequency = np.fft.rfftfreq(len(sound), 1 / rate).astype(np.float64)
    spectrum = np.fft.rfft(sound) * gain(frequency)
    return np.fft.irfft(spectrum, len(sound))


def _slow(samples: int, rate: int, per_second: float, rng: np.random.Generator) -> Samples:
    """Normal values at `per_second` knots a second, joined by lines."""
    knots = int(np.ceil(samples / rate * per_second)) + 2
    return np.interp(
        np.arange(samples) / rate * per_second, np.arange(knots), rng.standard_normal(knots)
    )


def _unit(sound: Samples) -> Samples:
    scaled: Samples = sound / np.sqrt(np.mean(sound**2))
    return scaled

"""What happens to sound on its way to a microphone, one function a disturbance.

Each takes x, float32 [n] in fractions of full scale, and gives a new array of that kind; what it
draws comes from the generator that it is given alone. Nothing saturates here: who rounds does it.
docs/augmentation.md has the formulas, levels and rates.
"""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

FRAMES = 64  # of a window, by whose powers its own is measured
QUIETEST = 1e-3  # fractions of full scale: root mean square of what noise is at least measured by
HUM = (1e-3, 0.1)  # peak of the fundamental
MAINS = (50, 60)  # Hz
HARMONICS = 8  # the fundamental among them
CLICK = (0.03, 1.0)  # peak
CLICKS = 3  # of a window at most
CLICK_SAMPLES = 4  # of one click at most
DC = (1e-3, 0.2)
DROPS = (10, 1000)  # a second
DROP = (3e-3, 0.3)  # peak of the loudest drops
DROP_SAMPLES = 32


def gain(x: Floats, decibels: float) -> Floats:
    """Change the level."""
    return x * _factor(decibels)


def noise(x: Floats, piece: Floats, decibels: float) -> Floats:
    """Add `piece` [n], of any scale, at that ratio of signal to noise.

    The power of x is that of where it is loud, so that what lies around a short recording hardly
    counts, and at least that of QUIETEST. A silent piece adds nothing.
    """
    noise_power = power(piece)
    if noise_power == 0:
        return x
    ratio = math.sqrt(max(loud_power(x), QUIETEST**2) / noise_power)
    return x + piece * (np.float32(ratio) * _factor(-decibels))


def hum(x: Floats, rng: np.random.Generator, sample_rate: int) -> Floats:
    """Add mains hum: 50 or 60 Hz and its harmonics below half the rate, each with a drawn phase.

    The fundamental has a peak between HUM, harmonic h up to 1 / h of it.
    """
    mains = int(rng.choice(MAINS))
    peak = between(rng, HUM)
    number = np.arange(1, HARMONICS + 1)
    heights = peak * np.where(number == 1, 1.0, rng.random(HARMONICS)) / number
    phases = rng.uniform(0, 2 * np.pi, HARMONICS)
    there = number * mains < sample_rate / 2
    # It repeats after a second at most: whole cycles of the mains in whole samples.
    period = min(sample_rate // math.gcd(sample_rate, mains), len(x))
    turns = np.arange(period) * (mains / sample_rate)
    angles = 2 * np.pi * np.outer(number[there], turns) + phases[there, None]
    wave = (heights[there, None] * np.sin(angles)).sum(axis=0)
    return x + np.resize(wave.astype(np.float32), len(x))


def click(x: Floats, rng: np.random.Generator) -> Floats:
    """Add 1 to CLICKS clicks at random places: 1 to CLICK_SAMPLES equal samples, of either sign."""
    out = x.copy()
    for _ in range(int(rng.integers(1, CLICKS + 1))):
        place = int(rng.integers(len(x)))
        width = int(rng.integers(1, CLICK_SAMPLES + 1))
        out[place : place + width] += np.float32(sign(rng) * between(rng, CLICK))
    return out


def dc(x: Floats, rng: np.random.Generator) -> Floats:
    """Add a constant of either sign."""
    return x + np.float32(sign(rng) * between(rng, DC))


def rain(x: Floats, rng: np.random.Generator, sample_rate: int) -> Floats:
    """Add drops: bursts of DROP_SAMPLES samples that die away, at random places.

    How many there are a second and how loud the loudest of them may be is drawn for the window,
    place, sign and share of that loudness for each drop. One shape serves all drops of a window.
    """
    drops = 1 + int(between(rng, DROPS) * len(x) / sample_rate)
    heights = between(rng, DROP) * rng.random(drops) * rng.choice((-1, 1), drops)
    shape = rng.uniform(-1, 1, DROP_SAMPLES) * np.exp(-np.arange(DROP_SAMPLES) / 8)
    places = rng.integers(0, len(x), drops)[:, None] + np.arange(DROP_SAMPLES)
    fallen = np.bincount(places.ravel(), np.outer(heights, shape).ravel(), len(x))
    return x + fallen[: len(x)].astype(np.float32)


def power(x: npt.NDArray[np.float32]) -> float:
    """The mean square, in an order that does not depend on the number of threads."""
    return float(np.einsum("i,i->", x, x)) / len(x)


def loud_power(x: Floats) -> float:
    """The mean of the powers of 64 frames, each weighted by itself: that of the loud ones.

    It is the power of a steady sound, and that of a short one within silence, nearly. Less than 64
    samples that are left over at the end count as a frame of the others' length.
    """
    frame = max(1, len(x) // FRAMES)
    energies = np.add.reduceat(np.square(x), np.arange(0, len(x), frame)).astype(np.float64)
    total = energies.sum()
    return float(np.square(energies).sum() / total) / frame if total else 0.0


def between(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """A number between two positive ones, uniform in its logarithm."""
    low, high = limits
    return float(low * (high / low) ** rng.random())


def sign(rng: np.random.Generator) -> int:
    """1 or -1."""
    return 1 if rng.random() < 0.5 else -1


def _factor(decibels: float) -> np.float32:
    return np.float32(10 ** (decibels / 20))

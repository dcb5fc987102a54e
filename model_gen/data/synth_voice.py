"""A voice: syllables of one sine with harmonics, bent, trembling or buzzing, in phrases with a rhythm."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float64]
Range = tuple[float, float]

_LIMIT = 0.47  # of the sample rate: harmonics above are left out


@dataclass(frozen=True)
class Syllable:
    """One sound. Pitches in Hz, times in seconds; ranges are uniform within the species.

    The pitch goes from `start` to `end`; `bend` 1 is straight, above 1 late, below 1 early. `vibrato` is (rate in Hz,
    share of the pitch); `buzz` is (rate in Hz, depth 0 to 1) of the amplitude. `harmonics` are the amplitudes of the
    overtones 2, 3, ....
    """

    start: Range
    end: Range
    seconds: Range
    bend: float = 1.0
    vibrato: tuple[float, float] = (0.0, 0.0)
    buzz: tuple[float, float] = (0.0, 0.0)
    harmonics: tuple[float, ...] = ()
    loudness: float = 1.0


@dataclass(frozen=True)
class Part:
    """A syllable repeated: `repeats` times (both ends included), `gap` seconds of silence after each.

    From one repeat to the next the pitch is multiplied by `glide` and the gap by `rush`.
    """

    syllable: Syllable
    repeats: tuple[int, int] = (1, 1)
    gap: Range = (0.05, 0.08)
    glide: float = 1.0
    rush: float = 1.0


@dataclass(frozen=True)
class Species:
    """Phrases to choose from, and the pause in seconds between two."""

    name: str
    phrases: tuple[tuple[Part, ...], ...]
    pause: Range


@dataclass(frozen=True)
class Individual:
    """What is its own in a bird's voice.

    `pitch` and `tempo` are factors near 1; `taste` in [0, 1] is where in each range of the species this bird tends to
    be; `brightness` is a factor of the overtones.
    """

    pitch: float
    tempo: float
    taste: float
    brightness: float


def draw_individual(rng: np.random.Generator) -> Individual:
    """An individual: pitch varies by 5 %, tempo by 10 % (standard deviations), overtones by 3 dB."""
    return Individual(
        pitch=float(np.exp(rng.normal(0, 0.05))),
        tempo=float(np.exp(rng.normal(0, 0.10))),
        taste=float(rng.uniform()),
        brightness=float(np.exp(rng.normal(0, 0.35))),
    )


def sing(
    species: Species, individual: Individual, samples: int, rate: int, rng: np.random.Generator
) -> Samples:
    """Phrase after phrase until the recording is full; starts within the first pause.

    Returns:
        float64 [samples], no louder than about 1 before echoes.
    """
    out = np.zeros(samples)
    place = rng.uniform(0, species.pause[1]) * 0.7
    while place * rate < samples:
        phrase = species.phrases[int(rng.integers(len(species.phrases)))]
        level = rng.uniform(0.7, 1.0)
        for part in phrase:
            place = _add_part(out, part, individual, place, level, rate, rng)
        place += rng.uniform(*species.pause) / individual.tempo
    return out


def _add_part(
    out: Samples,
    part: Part,
    individual: Individual,
    place: float,
    level: float,
    rate: int,
    rng: np.random.Generator,
) -> float:
    """Add the repeats of a part from `place` on; return the time after it."""
    start = _within(part.syllable.start, individual, rng) * individual.pitch
    end = _within(part.syllable.end, individual, rng) * individual.pitch
    seconds = _within(part.syllable.seconds, individual, rng) / individual.tempo
    gap = _within(part.gap, individual, rng) / individual.tempo
    for repeat in range(int(rng.integers(part.repeats[0], part.repeats[1] + 1))):
        bend = part.glide**repeat * np.exp(rng.normal(0, 0.01))
        sound = _syllable(
            part.syllable, start * bend, end * bend, seconds, individual.brightness, rate, rng
        )
        first = round(place * rate)
        if first >= len(out):
            break
        room = out[first : first + len(sound)]
        room += level * rng.uniform(0.85, 1.0) * sound[: len(room)]
        place += seconds + gap * part.rush**repeat * np.exp(rng.normal(0, 0.03))
    return place


def _within(bounds: Range, individual: Individual, rng: np.random.Generator) -> float:
    """A value of the range: mostly the individual's taste, a little chance."""
    return bounds[0] + (bounds[1] - bounds[0]) * (0.7 * individual.taste + 0.3 * rng.uniform())


def _syllable(
    shape: Syllable,
    start: float,
    end: float,
    seconds: float,
    brightness: float,
    rate: int,
    rng: np.random.Generator,
) -> Samples:
    count = max(16, round(seconds * rate))
    time = np.arange(count) / rate
    along = np.arange(count) / count
    pitch = start * (end / start) ** (along**shape.bend)
    if shape.vibrato[1] > 0:
        turn = 2 * np.pi * shape.vibrato[0] * time + rng.uniform(0, 2 * np.pi)
        pitch = pitch * (1 + shape.vibrato[1] * np.sin(turn))
    phase = 2 * np.pi * np.cumsum(pitch) / rate + rng.uniform(0, 2 * np.pi)
    sound = np.sin(phase)
    for order, amplitude in enumerate(shape.harmonics, start=2):
        if pitch.max() * order < _LIMIT * rate:
            sound += amplitude * brightness * np.sin(order * phase)
    if shape.buzz[1] > 0:
        turn = 2 * np.pi * shape.buzz[0] * time
        sound *= 1 - shape.buzz[1] * (0.5 + 0.5 * np.cos(turn))
    edge = min(0.012, 0.3 * seconds)
    fade = np.clip(np.minimum(time, time[-1] - time) / edge, 0, 1)
    total = 1 + brightness * sum(shape.harmonics)
    scaled: Samples = shape.loudness / total * sound * np.sin(0.5 * np.pi * fade) ** 2
    return scaled

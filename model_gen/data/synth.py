"""A synthetic bird-song data set: class folders of FLAC files, their metadata and their split."""

import csv
import io
import json
import math
import os
import zlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.owned import new_directory
from model_gen.audio.decode import to_int16
from model_gen.data.synth_noise import background
from model_gen.data.synth_species import SPECIES
from model_gen.data.synth_voice import Individual, draw_individual, sing

RATE = 24000  # Hz
NOISE = "noise"
SNR = (-5.0, 20.0)  # dB
TEST_SHARE = 0.25
VALIDATION_SHARE = 0.15
MARKER = "synth.json"
METADATA = "metadata.csv"
SPLIT = "split.csv"
SCHEMA = "nightjar/synth/1"

_GRAIN = RATE // 20  # lengths are multiples of this: their FFTs are quick


@dataclass(frozen=True)
class SynthOptions:
    """What is made: `per_species` recordings of each of the first `species` species, and as many of noise.

    `seconds` bounds the length of a recording.
    """

    seed: int = 42
    per_species: int = 40
    species: int = 8
    seconds: tuple[float, float] = (3.0, 6.0)

    def __post_init__(self) -> None:
        for ok, rule, given in (
            (self.seed >= 0, "the seed must not be negative", self.seed),
            (self.per_species >= 3, "each species needs at least 3 recordings", self.per_species),
            (
                2 <= self.species <= len(SPECIES),
                f"the number of species must be from 2 to {len(SPECIES)}",
                self.species,
            ),
            (
                0.5 <= self.seconds[0] <= self.seconds[1] <= 60,
                "durations must rise within 0.5 to 60 seconds",
                self.seconds,
            ),
        ):
            if not ok:
                raise BadInput(
                    rule,
                    evidence=f"Received: {given}",
                    next_step="give such values; `nightjar synth --help` tells the defaults",
                )


@dataclass(frozen=True)
class Item:
    """One recording to make. `individual` numbers the birds of a species, or the places of noise.

    No recording of an individual with the role "unheard" is in train or validation.
    """

    folder: str
    index: int
    individual: int
    role: str  # heard | unheard
    split: str  # train | val | test

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.folder}_ind{self.individual:02d}_{self.index:04d}.flac"


@dataclass(frozen=True)
class SynthSummary:
    """What was made. `unheard_share` is the share of test recordings whose individual training never hears."""

    labels: tuple[str, ...]
    recordings: int
    seconds: float
    splits: dict[str, int]
    unheard_share: float


def plan(options: SynthOptions) -> list[Item]:
    """Which recordings there will be, sorted by path; sounds are not made yet."""
    names = [species.name for species in SPECIES[: options.species]] + [NOISE]
    items = [item for name in names for item in _plan_folder(name, options)]
    return sorted(items, key=lambda item: item.path)


def make_recording(item: Item, options: SynthOptions) -> tuple[npt.NDArray[np.int16], float | None]:
    """The samples of one recording, and its signal-to-noise ratio in dB (None for noise).

    The ratio is that of the song's RMS where it sounds to the background's RMS within 1 to 10 kHz.

    Returns:
        int16 [samples] at `RATE`.
    """
    rng = np.random.default_rng([options.seed, _key(item.folder), item.individual, item.index, 1])
    seconds = rng.uniform(*options.seconds)
    samples = max(_GRAIN, round(seconds * RATE / _GRAIN) * _GRAIN)
    sound = background(samples, RATE, rng)
    snr = None
    if item.folder != NOISE:
        species = next(species for species in SPECIES if species.name == item.folder)
        song = _heard_from_afar(sing(species, _individual(item, options), samples, RATE, rng), rng)
        snr = float(rng.uniform(*SNR))
        sound = sound + 10 ** (snr / 20) / _rms_where_it_sounds(song) * song
    peak = 10 ** (rng.uniform(-20, -1) / 20)
    return to_int16(sound * (peak / np.abs(sound).max())), snr


def write_dataset(
    out: Path, options: SynthOptions, *, workers: int | None = None, force: bool = False
) -> SynthSummary:
    """Make the data set, whole or not at all; its bytes depend on `options` only.

    Raises:
        BadInput: `out` holds something that is not an unchanged set of files from here, without
            `force`.
    """
    import soundfile

    items = plan(options)
    with new_directory(out, force=force) as folder:
        for name in {item.folder for item in items}:
            (folder / name).mkdir()

        def make(item: Item) -> tuple[int, float | None]:
            samples, snr = make_recording(item, options)
            stream = io.BytesIO()  # libsndfile hides why a file cannot be written
            soundfile.write(stream, samples, RATE, subtype="PCM_16", format="FLAC")
            (folder / item.path).write_bytes(stream.getvalue())
            return len(samples), snr

        with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0))) as pool:
            try:
                made = list(pool.map(make, items))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        (folder / METADATA).write_text(_metadata(items, [snr for _, snr in made]))
        (folder / SPLIT).write_text(
            _csv([("path", "split"), *((item.path, item.split) for item in items)])
        )
        marker = {
            "schema": SCHEMA,
            "seed": options.seed,
            "per_species": options.per_species,
            "species": options.species,
            "seconds": list(options.seconds),
        }
        (folder / MARKER).write_text(json.dumps(marker, indent=1) + "\n")
    tested = [item for item in items if item.split == "test"]
    return SynthSummary(
        labels=tuple(sorted({item.folder for item in items} - {NOISE})),
        recordings=len(items),
        seconds=sum(count for count, _ in made) / RATE,
        splits=dict(sorted(Counter(item.split for item in items).items())),
        unheard_share=sum(item.role == "unheard" for item in tested) / len(tested),
    )


def _plan_folder(folder: str, options: SynthOptions) -> list[Item]:
    """Recordings go round the individuals; those of the last eighth of these are unheard, and all in test."""
    count = options.per_species
    individuals = max(3, count // 5)
    rng = np.random.default_rng([options.seed, _key(folder), 0])
    heard = individuals - math.ceil(individuals / 8)
    order = [int(i) for i in rng.permutation(count)]
    order.sort(key=lambda index: index % individuals < heard)  # stable: the unheard first
    never_heard = sum(index % individuals >= heard for index in order)
    test = max(never_heard, round(TEST_SHARE * count))
    validation = max(1, round(VALIDATION_SHARE * count))
    split = {
        index: "test" if rank < test else "val" if rank < test + validation else "train"
        for rank, index in enumerate(order)
    }
    return [
        Item(
            folder=folder,
            index=index,
            individual=index % individuals,
            role="heard" if index % individuals < heard else "unheard",
            split=split[index],
        )
        for index in range(count)
    ]


def _individual(item: Item, options: SynthOptions) -> Individual:
    return draw_individual(
        np.random.default_rng([options.seed, _key(item.folder), item.individual, 2])
    )


def _heard_from_afar(
    song: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Air takes the high frequencies, and a few echoes come late."""
    frequency = np.fft.rfftfreq(len(song), 1 / RATE)
    response = np.ones(len(frequency), dtype=np.complex128)
    for _ in range(3):
        delay, loss = rng.uniform(0.008, 0.09), rng.uniform(0.03, 0.25)
        response += loss * np.exp(-2j * np.pi * frequency * delay)
    response *= np.exp(-frequency / rng.uniform(6000, 40000))
    return np.fft.irfft(np.fft.rfft(song) * response, len(song))


def _rms_where_it_sounds(song: npt.NDArray[np.float64]) -> float:
    loud = np.abs(song) > 0.05 * np.abs(song).max()
    return float(np.sqrt(np.mean(song[loud] ** 2)))


def _key(name: str) -> int:
    return zlib.crc32(name.encode())


def _metadata(items: Sequence[Item], ratios: Sequence[float | None]) -> str:
    rows = [
        (
            item.path,
            item.folder,
            f"{item.folder}_ind{item.individual:02d}",
            "" if snr is None else f"{snr:.2f}",
            item.role,
        )
        for item, snr in zip(items, ratios, strict=True)
    ]
    return _csv([("file", "species", "individual", "snr_db", "role"), *rows])


def _csv(rows: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()

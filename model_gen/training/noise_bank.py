"""Noise to mix under sound: recordings of a folder, those of no class, or generated ones."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from model_gen.audio.decode import decode
from model_gen.data.dataset import stable_order
from model_gen.data.features import Chunks
from model_gen.data.walk import walk
from model_gen.progress import warn
from model_gen.training.options import TrainOptions
from model_gen.training.randomness import keyed

Floats = npt.NDArray[np.float32]
Samples = npt.NDArray[np.int16]

MOST = 1 << 25  # samples that a bank keeps: 64 MiB, 23 minutes at 24 kHz
_FADE = 1024  # samples in which the end of a recording becomes its beginning
_GENERATED = 1 << 17  # samples of one colour
_COLOURS = (0.0, 0.5, 1.0, 1.5, 2.0)  # power falls as frequency ** -colour: white, pink, brown
_LOWEST = 20  # Hz; below, generated noise has nothing


@dataclass(frozen=True)
class NoiseBank:
    """Loops of noise, each of any scale and length, whose end goes on at its beginning."""

    loops: tuple[Samples | Floats, ...]

    def piece(self, rng: np.random.Generator, samples: int) -> Floats:
        """Float32 [samples] from a random place, every sample of the bank being as likely."""
        ends = self._ends
        place = int(rng.integers(ends[-1]))
        which = int(np.searchsorted(ends, place, side="right"))
        loop = self.loops[which]
        begin = place - int(ends[which]) + len(loop)
        found = loop[begin : begin + samples]
        if len(found) < samples:
            found = np.concatenate((found, np.resize(loop, samples - len(found))))
        return found.astype(np.float32, copy=False)

    @cached_property
    def _ends(self) -> npt.NDArray[np.int64]:
        """Where each loop ends, were they one behind the other."""
        return np.cumsum([len(loop) for loop in self.loops])

    @property
    def sha256(self) -> str:
        """Of the samples."""
        digest = hashlib.sha256()
        for loop in self.loops:
            digest.update(f"{len(loop)}\n".encode() + loop.tobytes())
        return digest.hexdigest()


def takes_noise(options: TrainOptions) -> bool:
    """Whether anything is taken from a bank."""
    return options.noise_probability > 0 or options.background_probability > 0


def named_bank(options: TrainOptions) -> NoiseBank | None:
    """The bank of --noise-bank; None where none is named or nothing is taken from it.

    Raises:
        BadInput: as `bank_of_folder`.
    """
    if options.noise_bank is None or not takes_noise(options):
        return None
    return bank_of_folder(options.noise_bank, options.sample_rate, options.seed)


def bank_for(options: TrainOptions, chunks: Chunks) -> NoiseBank:
    """What --noise-bank names; else recordings of no class among `chunks`; else generated noise.

    Raises:
        BadInput: as `bank_of_folder`.
    """
    return (
        named_bank(options)
        or bank_of_negatives(chunks, options.seed)
        or generated(options.sample_rate, options.seed)
    )


def bank_of_folder(folder: Path, sample_rate: int, seed: int) -> NoiseBank:
    """Recordings anywhere below a folder, by the project's decoder; MOST samples at most.

    Where there are more, `seed` chooses, and none gives more than its share. What cannot be decoded
    is left out, with a warning.

    Raises:
        BadInput: there is no folder, or nothing that can be heard in it.
    """
    if not folder.is_dir():
        raise BadInput(
            "--noise-bank must name a folder of recordings",
            evidence=f"Received: {folder}, which is not a folder",
            next_step="leave --noise-bank out: noise is generated, or from folders of no class",
        )
    files = sorted(walk(folder).files, key=lambda file: stable_order(seed, file[0]))
    files = files[: MOST // sample_rate]  # a second of each at least
    share = MOST // max(1, len(files))
    loops = []
    for relative, path in files:
        try:
            found = decode(path, sample_rate, max_duration=share / sample_rate)
        except BadInput as error:
            warn(f"--noise-bank: skipped {relative}: {error.evidence.removeprefix('Received: ')}")
            continue
        if found.any():
            loops.append(seamless(found))
    if not loops:
        raise BadInput(
            "--noise-bank needs a recording that can be heard",
            evidence=f"Received: {folder} with {len(files)} recordings, none with a sound in it",
            next_step="give a folder of background recordings, or leave --noise-bank out",
        )
    return NoiseBank(tuple(loops))


def bank_of_negatives(chunks: Chunks, seed: int) -> NoiseBank | None:
    """The windows of recordings of no class, those of a recording in one loop; None without any.

    Of more than MOST samples `seed` chooses recordings.
    """
    owners = [o for o, recording in enumerate(chunks.recordings) if recording.is_negative]
    owners.sort(key=lambda o: stable_order(seed, chunks.recordings[o].relative))
    loops: list[Samples] = []
    left = MOST
    for owner in owners:
        rows = np.flatnonzero(chunks.owner == owner)
        heard = chunks.pcm(rows).ravel()[: min(left, chunks.entries[owner].samples)]
        left -= len(heard)
        if heard.any():
            loops.append(seamless(heard))
        if left <= 0:
            break
    return NoiseBank(tuple(loops)) if loops else None


def generated(sample_rate: int, seed: int) -> NoiseBank:
    """A loop of Gaussian noise of each colour, white to brown, of standard deviation 1."""
    frequencies = np.fft.rfftfreq(_GENERATED, 1 / sample_rate)
    heard = frequencies >= _LOWEST
    loops = []
    for colour in _COLOURS:
        drawn = keyed("colour", seed, str(colour)).normal(size=(2, len(frequencies)))
        spectrum = np.zeros(len(frequencies), complex)
        spectrum[heard] = (drawn[0] + 1j * drawn[1])[heard] * frequencies[heard] ** (-colour / 2)
        loop = np.fft.irfft(spectrum, _GENERATED)
        loops.append((loop / loop.std()).astype(np.float32))
    return NoiseBank(tuple(loops))


def seamless(recording: Samples) -> Samples:
    """A loop whose end becomes its beginning, at equal power: int16, shorter by a fade."""
    fade = min(_FADE, len(recording) // 4)
    if not fade:
        return recording
    turn = np.linspace(0, np.pi / 2, fade)
    loop = recording[fade:].copy()
    mixed = loop[-fade:] * np.cos(turn) + recording[:fade] * np.sin(turn)
    loop[-fade:] = np.clip(np.rint(mixed), -32768, 32767)
    return loop

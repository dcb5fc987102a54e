"""Where training hears a window, and what lies around a clip that is shorter than one.

Everything is drawn from the window's own generator, so that nothing depends on who asks.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model_gen.data.features import Chunks
from model_gen.training.noise_bank import NoiseBank
from model_gen.training.options import TrainOptions

QUIETER = (10.0, 50.0)  # dB that a background lies below the clip, by their mean squares

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Samples = npt.NDArray[np.int16]


class Placement:
    """Windows of training recordings as an epoch hears them: moved, and with their background.

    The background comes from `bank`, which may be None where --background-probability is 0.
    """

    def __init__(self, chunks: Chunks, options: TrainOptions, bank: NoiseBank | None) -> None:
        self._chunks = chunks
        self._moves = options.placement == "random"
        self._probability = options.background_probability
        self._bank = bank

    def pcm(self, windows: Integers, rngs: Sequence[np.random.Generator]) -> Samples:
        """PCM int16 [n, chunk] of the windows, with a generator each.

        Raises:
            BadInput: as `Chunks.pcm`.
        """
        owners = self._chunks.owner[windows]
        starts = self._chunks.starts[windows]
        if self._moves:
            moved = [self._moved(int(w), rng) for w, rng in zip(windows, rngs, strict=True)]
            starts = np.array(moved, np.int64)
        pcm = self._chunks.pcm_at(owners, starts)
        for row, window, start, rng in zip(pcm, windows, starts, rngs, strict=True):
            short = self._chunks.is_short(int(window))
            if self._bank and short and rng.random() < self._probability:
                offset = -int(start)
                clip = row[offset : offset + self._samples(int(window))]
                quieter = rng.uniform(*QUIETER)
                row[:] = beneath(row, clip, self._bank.piece(rng, len(row)), quieter)
        return pcm

    def _samples(self, window: int) -> int:
        return self._chunks.entries[int(self._chunks.owner[window])].samples

    def _moved(self, window: int, rng: np.random.Generator) -> int:
        chunks = self._chunks
        start, chunk = int(chunks.starts[window]), chunks.contract.chunk_samples
        entry = chunks.entries[int(chunks.owner[window])]
        if entry.samples < chunk:
            return short_start(rng, entry.samples, chunk)
        margin = chunks.cache.selection.margin(chunk)
        return long_start(rng, start, chunk, margin, entry.stretch(start))


def short_start(rng: np.random.Generator, samples: int, chunk: int) -> int:
    """The first sample of a window around a clip of `samples` < `chunk`, at most 0.

    The clip lies anywhere in the window, and at least anywhere in its first half: more than half of
    a clip is always heard, its end not always.
    """
    return -int(rng.integers(0, max(chunk - samples, chunk // 2) + 1))


def long_start(
    rng: np.random.Generator, start: int, chunk: int, margin: int, kept: tuple[int, int]
) -> int:
    """The first sample of a window that is moved by `margin` at most, within what is kept."""
    low, high = max(kept[0], start - margin), min(kept[1] - chunk, start + margin)
    return int(rng.integers(low, high + 1))


def beneath(window: Samples, clip: Samples, background: Floats, quieter: float) -> Samples:
    """The window with a background all over, `quieter` dB below the clip that is in it.

    Silence has no level: it stays, under a silent clip as under a silent background.
    """
    powers = [np.mean(np.square(sound, dtype=np.float32)) for sound in (clip, background)]
    if 0 in powers:
        return window
    gain = np.sqrt(powers[0] / powers[1]) * 10 ** (-quieter / 20)
    sound = background * np.float32(gain)
    sound += window
    np.clip(np.rint(sound, out=sound), -32768, 32767, out=sound)
    return sound.astype(np.int16)

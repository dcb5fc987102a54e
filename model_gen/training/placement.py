"""Where training hears a window, and what lies around a clip that is shorter than one.

Everything is drawn from the window's own generator, so that nothing depends on who asks.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model_gen.data.features import Chunks
from model_gen.training.noise_bank import NoiseBank
from model_gen.training.options import TrainOptions
from model_gen.training.tempo import at_length

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

    def pcm(
        self,
        windows: Integers,
        rngs: Sequence[np.random.Generator],
        speeds: Sequence[float] | None = None,
    ) -> Samples:
        """PCM int16 [n, chunk] of the windows, with a generator each, and a tempo (1 for None).

        Raises:
            BadInput: as `Chunks.pcm`.
        """
        chunks, chunk = self._chunks, self._chunks.contract.chunk_samples
        lengths = [round(chunk * speed) for speed in speeds or [1.0] * len(windows)]
        owners = chunks.owner[windows]
        starts = np.array(
            [self._start(*one) for one in zip(windows, lengths, rngs, strict=True)], np.int64
        )
        out: Sequence[Samples] | Samples
        if speeds is None:
            out = chunks.pcm_at(owners, starts)
        else:
            places = zip(np.split(owners, len(owners)), np.split(starts, len(starts)), strict=True)
            out = [chunks.pcm_at(*p, m)[0] for p, m in zip(places, lengths, strict=True)]
        for row, owner, start, rng in zip(out, owners, starts, rngs, strict=True):
            samples = chunks.entries[int(owner)].samples
            short = samples < len(row)
            if self._bank and short and rng.random() < self._probability:
                offset = -int(start)
                quieter = rng.uniform(*QUIETER)
                clip, piece = row[offset : offset + samples], self._bank.piece(rng, len(row))
                row[:] = beneath(row, clip, piece, quieter)
        return out if isinstance(out, np.ndarray) else np.stack([at_length(x, chunk) for x in out])

    def centres(
        self,
        windows: Integers,
        rngs: Sequence[np.random.Generator],
        speeds: Sequence[float] | None = None,
    ) -> npt.NDArray[np.float64]:
        """Where the middle of each of these windows lies in its recording, in seconds: [n].

        The arguments are those of `pcm`, the generators as new.
        """
        contract = self._chunks.contract
        lengths = [round(contract.chunk_samples * speed) for speed in speeds or [1.0] * len(rngs)]
        starts = [self._start(*one) for one in zip(windows, lengths, rngs, strict=True)]
        return (np.array(starts) + np.array(lengths) / 2) / contract.sample_rate

    def _start(self, window: int, length: int, rng: np.random.Generator) -> int:
        """The first of `length` samples that are heard of a window."""
        chunks, chunk = self._chunks, self._chunks.contract.chunk_samples
        start = int(chunks.starts[window])
        entry = chunks.entries[int(chunks.owner[window])]
        if entry.samples < length:
            return short_start(rng, entry.samples, length) if self._moves else 0
        kept = chunks.cache.selection.margin(chunk)
        margin = min(kept, chunk // 4) if self._moves else 0  # the middle half stays heard
        middle = start - (length - chunk) // 2
        return long_start(rng, middle, length, margin, entry.stretch(start))


def short_start(rng: np.random.Generator, samples: int, chunk: int) -> int:
    """The first sample of a window around a clip of `samples` < `chunk`, at most 0.

    A third of the windows begin with the clip, as evaluation and boards place it, which nothing
    else teaches: there no silence comes before. In the others it lies anywhere in the window, and
    at least anywhere in its first five eighths: its end is not always heard.
    """
    most = max(chunk - samples, 5 * chunk // 8)
    return -max(0, int(rng.integers(-most // 2, most + 1)))


def long_start(
    rng: np.random.Generator, start: int, chunk: int, margin: int, kept: tuple[int, int]
) -> int:
    """The first sample of a window that is moved by `margin` at most, within what is kept.

    Where it must be moved by more to lie within it, it is, and by no more than that.
    """
    least, most = kept[0], kept[1] - chunk
    low = min(max(least, start - margin), most)
    high = max(min(most, start + margin), least)
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

"""Random numbers for networks: choices that a property test can shrink, and data."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

import numpy as np

from host.npu.testing.layers import (
    Fused,
    Integers,
    Quad,
    Requantization,
    Streamed,
    Tensor,
    TwoSteps,
    Values,
)

T = TypeVar("T")

_RANGES = {"i8": (-128, 128), "u8": (0, 256)}
_STEPS = 60  # of the result, that typical sums become


class Choice:
    """Draws from `random`; weights and constants come from a generator that it seeds."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.numbers = np.random.default_rng(random.getrandbits(32))

    def whole(self, least: int, most: int) -> int:
        """least to most, both included."""
        return self._random.randint(least, most)

    def one(self, of: Sequence[T]) -> T:
        """One of several."""
        return of[self._random.randrange(len(of))]

    def chance(self, percent: int) -> bool:
        """True in `percent` of a hundred cases."""
        return self._random.randrange(100) >= 100 - percent

    def crop(self, height: int, width: int) -> Quad:
        """Top, bottom, left, right of a rectangle, inclusive; it does not end at 0."""
        bottom, right = self.whole(1, height - 1), self.whole(1, width - 1)
        top, left = self.whole(0, bottom), self.whole(0, right)
        return top, bottom, left, right

    def weights(self, *shape: int) -> Integers:
        """Kernels of int8, from the whole range or small ones, whose sums have more ties."""
        most = self.one((3, 15, 128))
        return self.numbers.integers(-most, most, shape)

    def shift(self, kernel: Integers, spread: float = 73.0) -> tuple[int, float]:
        """A right shift for the sums of `kernel`, and the spread of the results.

        `spread` is that of the features. Mostly results fit 16 bits; sometimes some do not.
        """
        each = kernel.reshape(len(kernel), -1).astype(float)
        wide = spread * float(np.sqrt((each**2).sum(axis=1)).max()) + 1
        shift = max(0, round(np.log2(wide)) - 14 + self.whole(-1, 4))
        return shift, min(wide / 2**shift, 20000.0)

    def requantization(self, channels: int, spread: float, stream: bool = False) -> Requantization:
        """Any of the ways, for sums of that spread; `stream`: the constants come on port Y."""
        ties = self.chance(50)  # powers of two: half of the time a result is half way
        if stream:
            return self._streamed(channels, spread, ties)
        count = channels if channels <= 512 and self.chance(80) else 1
        if self.chance(50):
            return self.fused(count, spread)
        middle = 16 * _STEPS
        first, first_shift = self._factors(count, spread / middle, ties)
        second, shift = (1, 4) if ties else (self.whole(16384, 32767), 0)
        if not ties:
            shift = max(0, round(np.log2(second * middle / _STEPS)))
        return TwoSteps(first, first_shift, second, self._offsets(count, shift, ties), shift)

    def fused(self, count: int, spread: float) -> Fused:
        """`count` factors and offsets for values of that spread."""
        ties = self.chance(50)
        factors, shift = self._factors(count, spread / _STEPS, ties)
        return Fused(factors, self._offsets(count, shift, ties), shift)

    def _factors(self, count: int, down: float, ties: bool) -> tuple[Integers, int]:
        """int16 factors and a shift that together divide by about `down`."""
        if ties:
            shift = max(1, min(14, round(np.log2(max(down, 1)))))
            signs = self.numbers.choice((-1, 1), count)
            return signs * 2 ** self.numbers.integers(0, 2, count), shift + 1
        shift = max(0, min(22, int(np.log2(32767 * max(down, 2**-14)))))
        most = int(min(32767, 2**shift / down)) + 1
        return self.numbers.integers(-most // 2, most + 1, count).clip(-32768, 32767), shift

    def _offsets(self, count: int, shift: int, ties: bool) -> Integers:
        most = min(40 << shift, 2**31 - 1)
        offsets = self.numbers.integers(-most, most + 1, count)
        return offsets if not ties else offsets >> (shift - 1) << (shift - 1)

    def _streamed(self, channels: int, spread: float, ties: bool) -> Streamed:
        middle = 16 * _STEPS
        factors, first_shift = self._factors(channels, spread / middle, ties)
        second, shift = (1, 4) if ties else (self.whole(16384, 32767), 18)
        offsets = self.numbers.integers(-middle, middle, channels)
        c_shift = 0 if ties else 12
        return Streamed(
            factors, first_shift, second, offsets, self.whole(-100, 100), c_shift, shift
        )


def values(rng: np.random.Generator, tensor: Tensor) -> Values:
    """Values [h, w, c] of one tensor, from its whole range.

    Those of 16 bits are often at the ends of it, and some have ends of zeros: sums with ties.
    """
    if tensor.kind == "f32":
        return rng.normal(0, 3, tensor.shape).astype(np.float32)
    if tensor.kind != "i16":
        return rng.integers(*_RANGES[tensor.kind], tensor.shape)
    drawn = rng.integers(-128, 128, tensor.shape) << rng.choice((4, 8))
    if rng.integers(2):
        drawn = rng.integers(-32768, 32768, tensor.shape)
    extreme = rng.choice((-32768, 32767), tensor.shape)
    return np.where(rng.random(tensor.shape) < 0.1, extreme, drawn)

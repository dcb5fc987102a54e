"""Inputs worth trying: boundaries, extremes and patterns, then noise and changes of what helped.

All are made in steps from the zero point, float64 [*shape]; `Space.cast` makes inputs of them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from host.compare.vectors import Inputs
from host.coverage.space import Space

Steps = npt.NDArray[np.float64]

_MOST_CHANNELS = 8
_MOST_TURNS = 16
_NOISE = (0.5, 2.0, 8.0, 32.0, 128.0)  # standard deviations, in steps
_FAR = (1e-3, 256.0, 2.0**20)  # of a float input, in steps


def planned(spaces: Sequence[Space], generator: np.random.Generator) -> Iterator[Inputs]:
    """Every boundary and pattern: in all inputs at once, then in each while others are zero."""
    kinds = [list(_kinds(space, generator)) for space in spaces]
    for number in range(max(map(len, kinds), default=0)):
        yield _cast(spaces, [some[number % len(some)] for some in kinds])
    if len(spaces) > 1:
        for which, some in enumerate(kinds):
            for steps in some:
                middle = [np.zeros(space.shape) for space in spaces]
                middle[which] = steps
                yield _cast(spaces, middle)


def changed(
    spaces: Sequence[Space], helped: Sequence[Inputs], generator: np.random.Generator
) -> Inputs:
    """One of `helped` changed at random, or noise where nothing has helped or the dice say so."""
    if not helped or generator.random() < 0.2:
        scale = float(generator.choice(_NOISE))
        return _cast(spaces, [generator.normal(0.0, scale, s.shape) for s in spaces])
    first, second = (helped[int(generator.integers(len(helped)))] for _ in range(2))
    made = [
        _mutated(space, space.steps(one), space.steps(other), generator)
        for space, one, other in zip(spaces, first, second, strict=True)
    ]
    return _cast(spaces, made)


def _cast(spaces: Sequence[Space], steps: Sequence[Steps]) -> Inputs:
    return tuple(space.cast(one) for space, one in zip(spaces, steps, strict=True))


def _kinds(space: Space, generator: np.random.Generator) -> Iterator[Steps]:
    shape, low, high = space.shape, space.lowest, space.highest
    count = int(np.prod(shape)) if shape else 1
    flat = np.arange(count)
    levels = [0.0, low, high, -float(space.zero_point), 1.0, -1.0]
    if not space.whole:
        levels += [sign * far for far in _FAR for sign in (1.0, -1.0)]
    for level in levels:
        yield np.full(shape, level)
    every = np.arange(low, high + 1)  # all steps of a byte; a small input takes them in turns
    for begin in range(0, min(len(every), _MOST_TURNS * count), count):
        ramp = np.take(every, begin + flat, mode="wrap").reshape(shape)
        yield from (ramp, low + high - ramp)
    across = np.linspace(low, high, max(count, 2))[:count].reshape(shape)
    yield from (across, low + high - across)
    last = shape[-1] if shape else 1
    for period in sorted({1, last, 2 * last}):
        odd = (flat // period % 2 == 1).reshape(shape)
        yield from (np.where(odd, high, low), np.where(odd, low, high))
    for pattern in space.patterns:
        yield from (np.where(pattern, high, low), np.where(pattern, low, high))
    channel = (flat % last).reshape(shape)
    for hot in sorted({round(c) for c in np.linspace(0, last - 1, min(last, _MOST_CHANNELS))}):
        yield np.where(channel == hot, high, 0.0)
        yield np.where(channel == hot, low, 0.0)
    for one in sorted({0, count // 2, count - 1}):
        yield np.where(flat == one, high, low).reshape(shape)
    for scale in _NOISE:
        yield generator.normal(0.0, scale, shape)
    yield generator.uniform(low, high, shape)


def _mutated(space: Space, one: Steps, other: Steps, generator: np.random.Generator) -> Steps:
    how = int(generator.integers(6))
    shape = space.shape
    if how == 0:
        return one + generator.normal(0.0, float(generator.choice(_NOISE)), shape)
    if how == 1:
        return space.lowest + space.highest - one
    if how == 2:
        return one * float(generator.choice([0.25, 0.5, 2.0, 4.0]))
    if how == 3:
        return np.where(generator.random(shape) < 0.5, one, other)
    if how == 4:
        return np.roll(one, int(generator.integers(1, max(2, one.size))))
    made = one.reshape(-1).copy()
    begin = int(generator.integers(made.size))
    length = int(generator.integers(1, made.size - begin + 1))
    ends: list[Any] = [space.lowest, space.highest, 0.0]
    made[begin : begin + length] = ends[int(generator.integers(3))]
    return made.reshape(shape)

"""The bootstrap: recordings, or what must stay together, drawn with replacement many times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DRAWS, SEED = 1000, 42
LEVEL = 0.95  # of an interval, from percentile to percentile of the draws


@dataclass(frozen=True)
class Draws:
    """How often each recording is in each draw.

    weights: float64 [draws, recordings]; all zero, so that no figure has an interval, where there
    is only one unit. units: how many there are to draw from. what: "recording", or "group" where
    some belong together.
    """

    weights: Floats
    units: int
    what: str
    seed: int


@dataclass(frozen=True)
class Interval:
    """Percentiles of a statistic over draws."""

    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """One model's statistic less another's on the same recordings; `low` and `high` over paired
    draws. above: share of the draws in which it is above 0."""

    difference: float
    low: float
    high: float
    above: float


def draw(units: Sequence[str], *, draws: int = DRAWS, seed: int = SEED) -> Draws:
    """Draw as many units as there are, with replacement, `draws` times.

    Args:
        units: of each recording, the name of what it belongs to; all different: each its own.
    """
    names, unit_of = np.unique(np.array(units, dtype=str), return_inverse=True)
    count = len(names)
    counts = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
    if count < 2:  # every draw would be the same, and its intervals of no width a lie
        counts = np.zeros_like(counts)
    what = "recording" if count == len(units) else "group"
    return Draws(counts[:, unit_of].astype(np.float64), count, what, seed)


def interval(values: Floats) -> Interval | None:
    """The 95 % interval of a statistic [draws]; draws in which it has no value are left out.

    None where it has none in half of them or more: too few positives to say anything.
    """
    known = values[np.isfinite(values)]
    if 2 * len(known) <= len(values):
        return None
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(known, [tail, 100 - tail])
    return Interval(float(low), float(high))


def compare(
    first: Mapping[str, float | None],
    second: Mapping[str, float | None],
    first_draws: Mapping[str, Floats],
    second_draws: Mapping[str, Floats],
) -> dict[str, Difference | None]:
    """Statistic -> the first model's less the second's; None where one of them has none.

    Args:
        first, second: the statistics on the recordings themselves.
        first_draws, second_draws: [draws] of each, over the same draws.
    """
    found: dict[str, Difference | None] = {}
    for name in first:
        one, other = first[name], second.get(name)
        found[name] = None
        if one is not None and other is not None:
            found[name] = difference(one, other, first_draws[name], second_draws[name])
    return found


def difference(
    first: float, second: float, first_draws: Floats, second_draws: Floats
) -> Difference | None:
    """A statistic less another over the same draws [draws]; None where it has no interval."""
    apart = first_draws - second_draws
    between = interval(apart)
    if between is None:
        return None
    above = float((apart[np.isfinite(apart)] > 0).mean())
    return Difference(first - second, between.low, between.high, above)

"""What `release` must reach, against the reference and against its own clean windows."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model_gen.evaluation.learning.conditions import CONDITIONS, PLACEMENTS
from model_gen.evaluation.learning.result import FLOAT, INT8, Run

OF, AGAINST = "release", "reference"
ABOVE = 2.0  # points of top-1 that the mean of the placements lies above the reference's
APART = 3.0  # points between any placement and their mean
# Condition -> points that it may lie below clean.
BELOW_CLEAN = {
    "dc_0.02": 3.0,
    "dc_0.1": 3.0,
    "click": 5.0,
    "hum_0.05": 5.0,
    "noise_0.003": 8.0,
    "noise_0.009": 25.0,
    "level_-40db": 3.0,
}
INT8_APART = 0.5  # points between int8 and float, under any condition
_ROUNDING = 1e-9  # of sums of shares


@dataclass(frozen=True)
class Target:
    """`passed` is None where nothing was measured to tell."""

    what: str
    found: str
    passed: bool | None

    @property
    def verdict(self) -> str:
        """In a word or two."""
        return {True: "pass", False: "miss", None: "not measured"}[self.passed]


def targets(runs: Sequence[Run]) -> tuple[Target, ...]:
    """Every target, of means over runs; recipes are compared on the speakers and seeds that both have."""
    ours = [run for run in runs if run.recipe == OF]
    return (*_against(ours, runs), *_alone(ours), _int8(ours))


def _against(ours: Sequence[Run], runs: Sequence[Run]) -> Iterator[Target]:
    other = {run.pair: run for run in runs if run.recipe == AGAINST}
    both = [(run, other[run.pair]) for run in ours if run.pair in other]
    what = f"mean of the placements {ABOVE:g} points above the {AGAINST}"
    cost = f"no more processor time than the {AGAINST}"
    if not both:
        yield Target(what, _MISSING, None)
        yield Target(cost, _MISSING, None)
        return
    above = 100 * statistics.fmean(
        placements(a.top1[FLOAT]) - placements(b.top1[FLOAT]) for a, b in both
    )
    yield Target(what, f"{above:+.1f} points over {len(both)} runs", above >= ABOVE - _ROUNDING)
    mine, theirs = (statistics.fmean(pair[i].processor for pair in both) for i in (0, 1))
    yield Target(cost, f"{mine:.0f} s beside {theirs:.0f} s", mine <= theirs)


def _alone(ours: Sequence[Run]) -> Iterator[Target]:
    what = f"any one placement within {APART:g} points of the mean"
    if not ours:
        yield Target(what, _MISSING, None)
    else:
        middle = statistics.fmean(placements(run.top1[FLOAT]) for run in ours)
        far = {name: 100 * (_mean(ours, FLOAT, name) - middle) for name in PLACEMENTS}
        name = max(far, key=lambda one: abs(far[one]))
        yield Target(what, f"{name} {far[name]:+.1f} points", abs(far[name]) <= APART + _ROUNDING)
    for condition, most in BELOW_CLEAN.items():
        what = f"{condition} within {most:g} points of clean"
        if not ours:
            yield Target(what, _MISSING, None)
            continue
        off = 100 * (_mean(ours, FLOAT, condition) - _mean(ours, FLOAT, "clean"))
        yield Target(what, f"{off:+.1f} points", -off <= most + _ROUNDING)


def _int8(ours: Sequence[Run]) -> Target:
    what = f"int8 within {INT8_APART:g} points of float under every condition"
    refused = [run for run in ours if run.int8_refused]
    if refused:
        return Target(what, f"quantization refused {len(refused)} of {len(ours)} models", False)
    ours = [run for run in ours if INT8 in run.top1]
    if not ours:
        return Target(what, _MISSING, None)
    off = {name: 100 * (_mean(ours, INT8, name) - _mean(ours, FLOAT, name)) for name in CONDITIONS}
    name = max(off, key=lambda one: abs(off[one]))
    return Target(what, f"{name} {off[name]:+.2f} points", abs(off[name]) <= INT8_APART + _ROUNDING)


def placements(top1: dict[str, float]) -> float:
    """The mean over the placements of one model's top-1 by condition."""
    return statistics.fmean(top1[name] for name in PLACEMENTS)


def _mean(runs: Sequence[Run], kind: str, condition: str) -> float:
    return statistics.fmean(run.top1[kind][condition] for run in runs)


_MISSING = "no runs"

"""What became worse from run to run of a history: which figure, of which layer, at which commit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from host.history.comparison import Change, compared
from host.history.run import Run
from host.report.gates import COVERAGE, FOOTPRINT

MAIN = ("main", "master")
NOISE = 1.0  # percent by which cycles differ from run to run; instructions are exact
_FIXED = ("structure", "model_sha256", "kind", "compiler", "unit", *FOOTPRINT, *COVERAGE)


@dataclass(frozen=True)
class Regression:
    """A run, the one that it was held against, and what became worse, the largest growth first."""

    before: Run
    now: Run
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Void:
    """A run that could not be held against the one before it, and why."""

    before: Run
    now: Run
    unlike: tuple[str, ...]


def regressions(runs: Iterable[Run], noise: float = NOISE) -> Iterator[Regression | Void]:
    """Hold each exact run against the exact one before it: of its series and branch, else of its series' main branch.

    Args:
        runs: oldest first.
        noise: percent of growth that costs in cycles are allowed.
    """
    last: dict[tuple[object, ...], Run] = {}
    for now in runs:
        if now.state != "Exact":
            continue
        before = next(
            (
                last[(now.series, branch)]
                for branch in (now.branch, *MAIN)
                if (now.series, branch) in last
            ),
            None,
        )
        last[(now.series, now.branch)] = now
        if before is None or _is_quiet(before, now, noise):
            continue
        found = compared(before, now)
        if found.unlike:
            yield Void(before, now, found.unlike)
            continue
        worse = [one for one in found.worse if _counts(one, now, noise)]
        if worse:
            yield Regression(before, now, tuple(sorted(worse, key=_growth, reverse=True)))


def _is_quiet(before: Run, now: Run, noise: float) -> bool:
    """Whether nothing is void or worse, as between most runs; what `compared` would say, in a fraction of its time."""
    if any(getattr(before, name) != getattr(now, name) for name in _FIXED):
        return False
    factor = 1.0 + noise / 100.0 if now.unit == "cycles" else 1.0
    old = (before.frontend, before.model_cost, *before.counted)
    new = (now.frontend, now.model_cost, *now.counted)
    return all(
        one is None or other is None or other <= one * factor
        for one, other in zip(old, new, strict=True)
    )


def _counts(change: Change, run: Run, noise: float) -> bool:
    """Whether a growth is more than what comes and goes."""
    is_cost = not change.name.startswith(("footprint.", "coverage."))
    if run.unit != "cycles" or not is_cost or change.percent is None:
        return True
    return change.percent > noise


def _growth(change: Change) -> float:
    assert change.before is not None
    assert change.now is not None
    return abs(change.now - change.before) / (abs(change.before) or 1.0)

"""For tests and figures: verdicts as a bench gathers them over months."""

from dataclasses import replace
from typing import Any

from host.history.commit import Commit
from host.history.run import Place
from host.report.testing_verdicts import EXACT
from host.report.verdict import Verdict

PLACE = Place(Commit("a" * 40, "main"), "birds", "virtual")


def with_cost(factor: int, verdict: Verdict = EXACT, *, layer: int | None = None) -> Verdict:
    """The verdict with all its layers, or one of them, at `factor` in a thousand of their cost."""
    layers = tuple(
        replace(one, instructions=(one.instructions or 0) * factor // 1000)
        if layer in (None, one.index)
        else one
        for one in verdict.layers
    )
    total = sum(one.instructions or 0 for one in layers)
    return replace(verdict, layers=layers, cost=replace(verdict.cost, model=total))


def raw(verdict: Verdict = EXACT) -> dict[str, Any]:
    """As it is stored."""
    return verdict.as_json()


def at(number: int, **changes: Any) -> Place:
    """A place at the commit of that number."""
    return replace(PLACE, commit=Commit(f"{number:040x}", "main"), **changes)

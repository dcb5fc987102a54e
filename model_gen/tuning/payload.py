"""A study as JSON `nightjar/tuning/1`, and in lines for a terminal."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from model_gen.tuning.result import Found, Trial

SCHEMA = "nightjar/tuning/1"


def payload(found: Found) -> dict[str, Any]:
    """Everything; `best` are numbers of trials, and trial 0 is what there is without a search."""
    told = asdict(found)
    for row, trial in zip(told["trials"], found.trials, strict=True):
        row["options"] = trial.options
    return {"schema": SCHEMA, **told}


def lines(found: Found) -> Iterator[str]:
    """What came of it, and what to do next."""
    counted = ", ".join(
        f"{found.count(state)} {state}"
        for state in ("complete", "pruned", "failed", "running")
        if found.count(state)
    )
    yield f"study {found.study}: {len(found.trials)} trials, {counted or 'none yet'}"
    if not found.best:
        yield from _none_complete(found)
        return
    without = next((one for one in found.trials if one.number == 0), None)
    if without is not None and without.value is not None and 0 not in found.best:
        yield f"without a search: {_worth(found, without)}"
    for number in found.best:
        best = found.trial(number)
        yield f"trial {number}: {_worth(found, best)}: {best.options or 'nothing drawn'}"
        if best.checkpoint:
            yield f"  {best.checkpoint}, on the computer that trained it"
    if found.importance:
        told = (f"{name} {share:.2f}" for name, share in list(found.importance.items())[:5])
        yield f"what mattered: {', '.join(told)}"


def _none_complete(found: Found) -> Iterator[str]:
    if not found.trials or found.count("running"):
        yield "no trial is complete yet"
        return
    last = found.trials[-1]
    yield f"no trial is complete; trial {last.number}: {last.reason}"
    budget = "" if found.budget_macs is None else ", another --study takes another --budget-macs"
    yield f"a higher --n-trials goes on{budget}"


def _worth(found: Found, trial: Trial) -> str:
    size = "" if trial.macs is None else f", {trial.macs:,} MACs"
    return f"{found.objective} {trial.value:.4f}{size}"

"""The table: a row a data set, preset and kind of model."""

from collections.abc import Sequence
from dataclasses import dataclass

from model_gen.evaluation.family.jobs import Job
from model_gen.evaluation.family.scores import KINDS, Scores, macro_precision

HEADING = (
    "data", "preset", "model", "macro AP", "95 %", "recordings", "epochs", "parameters", "MACs",
    "frontend", "network",
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """Of one bundle: multiply-accumulates, and instructions on the virtual board of one inference."""

    macs: int
    frontend: int
    model: int


def tested(recordings: int, folds: int) -> str:
    """For people: how many recordings test, of how many folds."""
    return f"{recordings:,}" + (f" in {folds} folds" if folds > 1 else "")


@dataclass(frozen=True)
class Row:
    """One line. ap, low, high: macro average precision and its 95 % interval. Costs are those of int8, at most."""

    data: str
    preset: str
    kind: str
    ap: float
    low: float
    high: float
    recordings: int
    folds: int
    epochs: int
    parameters: int
    macs: int
    frontend: int
    model: int

    def cells(self) -> tuple[str, ...]:
        """For people, under HEADING."""
        costs = (self.macs, self.frontend, self.model) if self.kind == "int8" else ()
        return (
            self.data,
            self.preset,
            self.kind,
            f"{self.ap:.3f}",
            f"{self.low:.3f} to {self.high:.3f}",
            tested(self.recordings, self.folds),
            str(self.epochs),
            f"{self.parameters:,}",
            *(f"{cost:,}" for cost in costs),
            *("" for _ in range(3 - len(costs))),
        )


def rows_of(jobs: Sequence[Job], scores: Sequence[Scores], costs: Sequence[Cost]) -> list[Row]:
    """The rows of what was measured, in the jobs' order."""
    found: dict[tuple[str, str], list[int]] = {}
    for index, job in enumerate(jobs):
        found.setdefault((job.data, job.preset), []).append(index)
    rows = []
    for (data, preset), indices in found.items():
        folds = [scores[i] for i in indices]
        for kind in KINDS:
            precision = macro_precision(folds, kind)
            rows.append(
                Row(
                    data=data,
                    preset=preset,
                    kind=kind,
                    ap=precision.value,
                    low=precision.low,
                    high=precision.high,
                    recordings=sum(len(fold.wanted) for fold in folds),
                    folds=len(folds),
                    epochs=max(fold.epochs for fold in folds),
                    parameters=max(fold.parameters for fold in folds),
                    macs=max(costs[i].macs for i in indices),
                    frontend=max(costs[i].frontend for i in indices),
                    model=max(costs[i].model for i in indices),
                )
            )
    return rows

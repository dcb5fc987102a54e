"""What the runs come to: a mean and a spread for each recipe and condition."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model_gen.evaluation.learning.conditions import CONDITIONS
from model_gen.evaluation.learning.recipes import RECIPES
from model_gen.evaluation.learning.result import FLOAT, INT8, Run
from model_gen.evaluation.learning.targets import Target, placements, targets

ALL_PLACEMENTS = "placements"  # the row of their mean
# Row of the table -> what it says to people.
ROWS = {
    ALL_PLACEMENTS: "mean of the three placements",
    "start": "placed at the start",
    "clean": "placed at 0.25 s: clean",
    "end": "placed at 0.5 s",
    "dc_0.02": "DC 0.02",
    "dc_0.1": "DC 0.1",
    "click": "one click",
    "hum_0.05": "50 Hz hum, 0.05",
    "noise_0.003": "white noise, 0.003",
    "noise_0.009": "white noise, 0.009",
    "level_-40db": "level -40 dB",
}


@dataclass(frozen=True)
class Figure:
    """Over runs: their mean and standard deviation, which a single run has none of."""

    mean: float
    spread: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        """Of at least one value."""
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)


@dataclass(frozen=True)
class Column:
    """A recipe's model of one kind: top-1, 0 to 1, by row, and seconds of processor time to train it."""

    recipe: str
    kind: str
    runs: int
    top1: dict[str, Figure]
    processor: Figure

    @property
    def title(self) -> str:
        """For people."""
        return self.recipe if self.kind == FLOAT else f"{self.recipe} {self.kind}"


def row_of(top1: dict[str, float], row: str) -> float:
    """A row of one run's conditions."""
    if row == ALL_PLACEMENTS:
        return placements(top1)
    return top1[row]


def columns(runs: Sequence[Run]) -> tuple[Column, ...]:
    """A column for each recipe and kind of which there are runs."""
    found = []
    for recipe in RECIPES:
        for kind in (FLOAT, INT8):
            some = [run for run in runs if run.recipe == recipe and kind in run.top1]
            if some:
                found.append(
                    Column(
                        recipe,
                        kind,
                        len(some),
                        {
                            row: Figure.of([row_of(run.top1[kind], row) for run in some])
                            for row in ROWS
                        },
                        Figure.of([run.processor for run in some]),
                    )
                )
    return tuple(found)


def cells(found: Sequence[Column]) -> Iterator[tuple[str, ...]]:
    """The table as text: a heading, a line for each row, and one of processor time."""
    yield ("top-1", *(column.title for column in found))
    for row, meaning in ROWS.items():
        yield (meaning, *(_shown(column.top1[row], "{:.3f}") for column in found))
    yield (
        "processor time to train, s",
        *(_shown(c.processor, "{:.0f}") if c.kind == FLOAT else "" for c in found),
    )
    yield ("runs", *(str(column.runs) for column in found))


def lines(runs: Sequence[Run]) -> Iterator[str]:
    """Table and targets for a terminal."""
    table = list(cells(columns(runs)))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for name, *values in table:
        shown = (value.rjust(width) for value, width in zip(values, widths[1:], strict=True))
        yield "  ".join((name.ljust(widths[0]), *shown))
    yield "mean and standard deviation over speakers and seeds"
    yield from (target_line(target) for target in targets(runs))


def target_line(target: Target) -> str:
    """A target for people."""
    return f"{target.verdict.upper():12s} {target.what}: {target.found}"


def _shown(figure: Figure, form: str) -> str:
    mean = form.format(figure.mean)
    return mean if figure.spread is None else f"{mean} ± {form.format(figure.spread)}"


assert set(ROWS) == {ALL_PLACEMENTS, *CONDITIONS}

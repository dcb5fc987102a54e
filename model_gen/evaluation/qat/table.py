"""The tables: a row a data set, preset and kind of model, and by how much kinds differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model_gen.evaluation.family.scores import Drawn, between, precision_of
from model_gen.evaluation.family.table import tested
from model_gen.evaluation.qat.jobs import (
    CONVERTER,
    FAITHFUL,
    FLOAT,
    KINDS,
    LEARN,
    NAMES,
    OWN,
    SHADOW,
)
from model_gen.evaluation.qat.kept_seed import KeptSeed, Kind

HEADING = (
    "data", "preset", "model", "macro AP", "95 %", "recordings", "seeds", "epochs", "kept epoch",
    "training, s", "virtual board",
)  # fmt: skip
PAIR_HEADING = ("data", "preset", "model", "less", "macro AP", "95 %", "0 is")
# Which kind is held against which.
PAIRS = (
    (CONVERTER, FLOAT),
    (OWN, FLOAT),
    (SHADOW, FLOAT),
    (FAITHFUL, FLOAT),
    (OWN, CONVERTER),
    (FAITHFUL, CONVERTER),
    (FAITHFUL, OWN),
    (FAITHFUL, SHADOW),
)
LOSES = 0.003  # macro AP that the faithful model of `release` may lose to the float one


@dataclass(frozen=True)
class Row:
    """One line.

    Attributes:
        ap, low, high: macro average precision, the mean over folds and seeds, and its 95 % interval.
        recordings: that test, of all folds.
        epochs: of training, the most; 0 where nothing is trained.
        kept: the epoch whose weights are kept, in the mean.
        processor: seconds of training, the mean of those that were measured; None where none was.
        exact: models that the virtual board computes to the byte; None where it was not asked.
    """

    data: str
    preset: str
    kind: str
    ap: float
    low: float
    high: float
    recordings: int
    folds: int
    seeds: int
    epochs: int
    kept: float
    processor: float | None
    exact: int | None

    def cells(self) -> tuple[str, ...]:
        """For people, under HEADING."""
        return (
            self.data,
            self.preset,
            NAMES[self.kind],
            f"{self.ap:.4f}",
            f"{self.low:.4f} to {self.high:.4f}",
            tested(self.recordings, self.folds),
            str(self.seeds),
            str(self.epochs) if self.epochs else "",
            f"{self.kept:.1f}" if self.kind in LEARN else "",
            "" if self.processor is None else f"{self.processor:,.0f}",
            "" if self.exact is None else f"{self.exact} exact",
        )


@dataclass(frozen=True)
class Pair:
    """By how much the macro average precision of `kind` is above that of `than`, and its 95 % interval
    over paired draws."""

    data: str
    preset: str
    kind: str
    than: str
    difference: float
    low: float
    high: float

    @property
    def apart(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0

    def cells(self) -> tuple[str, ...]:
        """For people, under PAIR_HEADING."""
        return (
            self.data,
            self.preset,
            NAMES[self.kind],
            NAMES[self.than],
            f"{self.difference:+.4f}",
            f"{self.low:+.4f} to {self.high:+.4f}",
            "outside" if self.apart else "inside",
        )


def tables(seeds: Sequence[KeptSeed]) -> tuple[list[Row], list[Pair]]:
    """Of the seeds of one data set and preset: a row a kind, and the pairs."""
    found = {kind: _drawn([seed.kinds[kind] for seed in seeds]) for kind in KINDS}
    rows = [_row(kind, found[kind], seeds) for kind in KINDS]
    return rows, [_pair(*seeds[0].of, found, *kinds) for kinds in PAIRS]


def verdicts(pairs: Sequence[Pair]) -> list[str]:
    """Whether the faithful model loses more than it may, and beside PTQ: a line a data set and preset."""
    said = []
    by = {(one.data, one.preset, one.kind, one.than): one for one in pairs}
    for data, preset in dict.fromkeys((one.data, one.preset) for one in pairs):
        loss = -by[data, preset, FAITHFUL, FLOAT].difference
        held = ""
        if preset == "release":
            held = f" ({LOSES:g} at most: {'reached' if loss <= LOSES else 'MISSED'})"
        beside = by[data, preset, FAITHFUL, OWN]
        word = "better" if beside.difference > 0 else "worse"
        than = f"{word} than PTQ by {abs(beside.difference):.4f}"
        if not beside.apart:
            than = "not told apart from PTQ"
        said.append(f"{preset} on {data}: faithful loses {loss:.4f} to float{held}; {than}")
    return said


def _drawn(seeds: Sequence[Kind]) -> Drawn:
    """The mean over seeds, whose draws are of the same recordings."""
    every = [one.drawn for one in seeds]
    value = float(np.mean([one.value for one in every]))
    return Drawn(value, np.mean([one.draws for one in every], axis=0))


def _row(kind: str, found: Drawn, seeds: Sequence[KeptSeed]) -> Row:
    every = [seed.kinds[kind] for seed in seeds]
    precision = precision_of(found)
    known = [one.processor for one in every if one.processor is not None]
    return Row(
        data=seeds[0].data,
        preset=seeds[0].preset,
        kind=kind,
        ap=precision.value,
        low=precision.low,
        high=precision.high,
        recordings=seeds[0].recordings,
        folds=seeds[0].folds,
        seeds=len(seeds),
        epochs=max(one.epochs for one in every),
        kept=float(np.mean([one.kept for one in every])),
        processor=float(np.mean(known)) if known else None,
        exact=sum(one.exact for one in every) or None,
    )


def _pair(data: str, preset: str, found: Mapping[str, Drawn], kind: str, than: str) -> Pair:
    one = between(found[kind], found[than])
    return Pair(data, preset, kind, than, one.difference, one.low, one.high)

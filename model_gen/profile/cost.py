"""Instructions of the engine on a Cortex-M55, predicted from a table of measured ones.

The table is written by `nightjar bench engine --cost-table FILE`: calls of single kernels over a
grid of shapes, counted on the virtual board, and for each form of a kernel the instructions that
each of its loops takes (counts.py), found by least squares of the relative errors with none below
0.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from host.errors import BadInput
from host.typed import typed
from model_gen.profile.counts import counts_of, form_of
from model_gen.profile.work import Work

SCHEMA = "nightjar/cost-table/2"
TABLE = Path(__file__).with_name("cost_table.json")


@dataclass(frozen=True)
class Point:
    """One measured call. `case` names the model that it was measured in."""

    case: str
    work: Work
    instructions: int


@dataclass(frozen=True)
class CostTable:
    """Measured calls, and what follows from them.

    Attributes:
        board: where they were counted.
        families: family of the grid -> SHA-256 over the sources that decided its counts (host/bench/family_sources.py).
        points: in the order of the grid.
        loops: form of a kernel -> count -> instructions.
    """

    board: str
    families: dict[str, str]
    points: tuple[Point, ...]
    loops: dict[str, dict[str, float]]

    def predict(self, work: Work) -> float | None:
        """Instructions of a call; None for a kernel or form that was not measured."""
        counts, loops = counts_of(work), self.loops.get(form_of(work))
        if counts is None or loops is None:
            return None
        return sum(loops.get(name, 0.0) * count for name, count in counts.items())

    def errors(self) -> dict[str, float]:
        """The largest relative error of each form over its points."""
        worst: dict[str, float] = {}
        for point in self.points:
            predicted = self.predict(point.work)
            if predicted is not None:
                off = abs(predicted / max(point.instructions, 1) - 1)
                worst[form_of(point.work)] = max(worst.get(form_of(point.work), 0.0), off)
        return worst

    def calls(self) -> Counter[str]:
        """How many calls of each form were counted."""
        return Counter(form_of(point.work) for point in self.points)

    def to_json(self) -> str:
        """The file: a point a line."""
        points = ",\n  ".join(json.dumps(_short(asdict(point))) for point in self.points)
        head = {
            "schema": SCHEMA,
            "board": self.board,
            "families": self.families,
            "loops": self.loops,
        }
        return json.dumps(head, indent=1)[:-2] + f',\n "points": [\n  {points}\n ]\n}}\n'


def fit(points: Iterable[Point]) -> dict[str, dict[str, float]]:
    """The instructions of each count, for each form that was measured."""
    from scipy.optimize import nnls

    by_form: dict[str, list[Point]] = {}
    for point in points:
        if counts_of(point.work) is not None:
            by_form.setdefault(form_of(point.work), []).append(point)
    loops = {}
    for form, measured in sorted(by_form.items()):
        rows = [counts_of(point.work) or {} for point in measured]
        names = list(dict.fromkeys(name for row in rows for name in row))
        size = np.array([max(point.instructions, 1) for point in measured], np.float64)
        matrix = np.array([[row.get(name, 0) for name in names] for row in rows], np.float64)
        scale = np.maximum(matrix.max(axis=0), 1.0)  # so that counts of any size weigh alike
        found = nnls(matrix / scale / size[:, None], np.ones(len(size)))[0] / scale
        loops[form] = {n: float(f"{v:.6g}") for n, v in zip(names, found, strict=True) if v > 0}
    return loops


def read_table(path: Path) -> CostTable:
    """A table from its file.

    Raises:
        BadInput: it cannot be read, or is none.
    """
    from host.reading import load_json

    raw: dict[str, Any] = load_json(
        path, "a cost table", next_step="name another file, or remove it"
    )
    try:
        if raw.pop("schema") != SCHEMA:
            raise KeyError("schema")
        return typed(CostTable, raw)
    except (ValueError, KeyError, TypeError, AttributeError, BadInput) as error:
        raise BadInput(
            f"a cost table must follow the schema {SCHEMA}",
            evidence=f"Received: {path}: {type(error).__name__}: {error}",
            next_step="name another file, or remove it and run `nightjar bench engine --cost-table` again",
        ) from error


@cache
def shipped_table() -> CostTable:
    """The table that belongs to this engine."""
    return read_table(TABLE)


def _short(point: dict[str, Any]) -> dict[str, Any]:
    """Without what is as it is by default."""
    default = asdict(Work(""))
    point["work"] = {k: v for k, v in point["work"].items() if v != default[k]}
    return point

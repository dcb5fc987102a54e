"""For tests and figures: verdicts as a bench gathers them over months."""

import hashlib
import json
import sys
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import insert

from host.history.commit import Commit
from host.history.run import Place, columns_of, layers_of
from host.history.schema import RUNS, STRUCTURES
from host.history.store import opened
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
    return replace(
        PLACE, commit=Commit(hashlib.sha1(str(number).encode()).hexdigest(), "main"), **changes
    )


def fill(place: Path, count: int) -> None:
    """A store of `count` runs, of which every layer of every run costs something else, as cycles do.

    `python -m host.history.testing_runs FILE COUNT` writes one.
    """
    verdict = raw()
    layers, blob = layers_of(verdict), zlib.compress(json.dumps(verdict).encode())
    digest = hashlib.sha256(layers.encode()).hexdigest()
    random = Random(1)
    base = [one["instructions"] for one in verdict["layers"]]
    rows = []
    for number in range(count):
        grown = 1.0 + 0.03 * (number % 97 == 96)  # falls back with the next
        costs = [int(cost * grown * random.uniform(1.0, 1.002)) for cost in base]
        costs[7] = int(costs[7] * (1.06 if 150 <= number % 400 < 300 else 1.0))
        day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=45 * number)
        row = columns_of(verdict, at(number, board=f"bench-{1 + number % 3}"))
        row |= {
            "recorded": day.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "branch": "main" if number % 5 else f"topic-{number % 11}",
            "kind": "stm32n6570-dk",
            "tier": "stm32n6570-dk",
            "unit": "cycles",
            "model_cost": sum(costs),
            "costs": json.dumps(costs, separators=(",", ":")),
            "flash": row["flash"] + 40 * (number // 60),
            "code": row["code"] - 0.1 * (number // 150 % 9),
            "structure": digest,
            "verdict": blob,
        }
        rows.append(row)
    with opened(str(place), write=True) as store, store.engine.begin() as connection:
        connection.execute(insert(STRUCTURES).values(digest=digest, layers=layers))
        connection.execute(insert(RUNS), rows)


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]))

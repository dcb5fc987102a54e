"""The file of results, which sittings add to, a seed at a time."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from host.errors import BadInput
from host.typed import typed
from model_gen.evaluation.family.jobs import BIRDS, DIGITS
from model_gen.evaluation.qat.kept_seed import KeptSeed
from model_gen.evaluation.qat.table import Pair, Row, tables
from model_gen.training.presets import PRESETS

SCHEMA = "nightjar/qat-bench/2"
One = TypeVar("One", Row, Pair, KeptSeed)


@dataclass(frozen=True)
class Results:
    """Rows and pairs, and the seeds that they are made of.

    Rows of a data set and preset are made anew where a seed of theirs is added, and else stay as they were read.
    """

    rows: tuple[Row, ...] = ()
    pairs: tuple[Pair, ...] = ()
    seeds: tuple[KeptSeed, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "Results":
        """What a file has; empty where there is none.

        Raises:
            BadInput: it is something else.
        """
        if not path.exists():
            return cls()
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            if raw.get("schema") != SCHEMA:
                raise ValueError(f"its schema is {raw.get('schema')!r}")
            return typed(cls, {name: raw[name] for name in ("rows", "pairs", "seeds")})
        except (ValueError, AttributeError, KeyError) as error:
            raise BadInput(
                "results are added to a file of `nightjar bench qat` alone",
                evidence=f"expected {SCHEMA}. Received: {path}: {error}",
                next_step="give another file with --results",
            ) from error

    def has(self, of: tuple[str, str], seed: int, asked: str) -> bool:
        """Whether that seed of a data set and preset was measured as it is asked for."""
        return (of, seed, asked) in {(one.of, one.seed, one.asked) for one in self.seeds}

    def add(self, new: KeptSeed) -> "Results":
        """With one more seed, beside those that were asked for alike; others of its data set and preset go."""
        beside = [
            one
            for one in self.seeds
            if one.of == new.of and one.asked == new.asked and one.seed != new.seed
        ]
        seeds = sorted([*beside, new], key=lambda one: one.seed)
        rows, pairs = tables(seeds)
        return Results(
            rows=tuple(sorted((*_without(self.rows, new.of), *rows), key=_place)),
            pairs=tuple(sorted((*_without(self.pairs, new.of), *pairs), key=_place)),
            seeds=tuple(sorted((*_without(self.seeds, new.of), *seeds), key=_place)),
        )

    def to_json(self) -> dict[str, Any]:
        """The content of the file."""
        parts = {
            name: [asdict(one) for one in getattr(self, name)]
            for name in ("rows", "pairs", "seeds")
        }
        return {"schema": SCHEMA, **parts}


def _without(every: Iterable[One], of: tuple[str, str]) -> list[One]:
    return [one for one in every if (one.data, one.preset) != of]


def _place(one: Row | Pair | KeptSeed) -> tuple[int, int]:
    return (DIGITS, BIRDS).index(one.data), PRESETS.index(one.preset)

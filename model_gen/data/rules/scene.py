"""What rules look at, and the form of a rule."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from model_gen.data.dataset import Dataset, Recording
from model_gen.data.measure import Measures
from model_gen.data.split import Assignment
from model_gen.data.table import SPLITS
from model_gen.data.walk import Ignored

Severity = Literal["refuse", "warn"]
Value = float | int | str | None


@dataclass(frozen=True)
class Outside:
    """An outside test set, empty where there is none. prefix: what the paths of both begin with."""

    prefix: str = ""
    recordings: tuple[Recording, ...] = ()
    ignored: tuple[Ignored, ...] = ()


@dataclass(frozen=True)
class Scene:
    """A data set as training would take it.

    outside: the recordings of an outside test set; their paths begin with its folder, as those of
    what is ignored there. measures: by
    relative path. copies: recordings with the same bytes, two or more a line. sample_rate: of the
    contract, in Hz. needs_test: whether the split is to have test recordings. grouped: whether
    --group-by says what the folders below a class are.
    """

    dataset: Dataset
    outside: Outside
    assignment: Assignment
    measures: Mapping[str, Measures]
    copies: tuple[tuple[Recording, ...], ...]
    sample_rate: int
    needs_test: bool
    grouped: bool

    @cached_property
    def everything(self) -> tuple[Recording, ...]:
        """All recordings, those outside last."""
        return (*self.dataset.recordings, *self.outside.recordings)

    @property
    def ignored(self) -> tuple[Ignored, ...]:
        """What is not used, that outside last."""
        return (*self.dataset.ignored, *self.outside.ignored)

    @cached_property
    def readable(self) -> tuple[tuple[Recording, Measures], ...]:
        """Those that can be used, with their measures."""
        pairs = ((r, self.measures[r.relative]) for r in self.everything)
        return tuple((r, found) for r, found in pairs if not found.unreadable)

    def split_of(self, recording: Recording) -> str:
        """train, val or test."""
        return self.assignment.get(recording.relative, "test")

    def having(self, label: str, split: str) -> list[Recording]:
        """Usable recordings of a class in a split."""
        return [r for r, _ in self.readable if label in r.labels and self.split_of(r) == split]

    def sides(self, recordings: Iterable[Recording]) -> list[str]:
        """The splits of some recordings, in the order of SPLITS."""
        found = {self.split_of(r) for r in recordings}
        return [split for split in SPLITS if split in found]


@dataclass(frozen=True)
class Hit:
    """Where a rule holds: the paths that it is about, what was found there, and the limit where the
    rule has none."""

    paths: tuple[str, ...]
    value: Value = None
    limit: Value = None


Judge = Callable[[Scene, Any], Iterator[Hit]]


@dataclass(frozen=True)
class Rule:
    """One thing that is wrong with data. says: what holds where it is found. mend: what to do about
    it."""

    name: str
    severity: Severity
    limit: Value
    says: str
    mend: str
    judge: Judge


_FEW = 3  # paths that are told of many


@dataclass(frozen=True)
class Finding:
    """A rule that holds somewhere."""

    rule: Rule
    hit: Hit

    @property
    def limit(self) -> Value:
        """What the value is held against; None where there is nothing to compare."""
        return self.rule.limit if self.hit.limit is None else self.hit.limit

    def where(self, *, every: bool = False) -> str:
        """Where it holds, a few places or `every` one, and what was found there."""
        paths, value = self.hit.paths, self.hit.value
        shown = paths if every else paths[:_FEW]
        more = f" and {len(paths) - len(shown)} more" if len(paths) > len(shown) else ""
        places = ", ".join(shown) + more
        if value is None or value in paths:
            return places
        found = f"{value:.4g}" if isinstance(value, float) else str(value)
        return f"{places} ({found}" + (")" if self.limit is None else f"; limit {self.limit})")

    def as_json(self) -> dict[str, Any]:
        """As in `nightjar/data/1`."""
        return {
            "rule": self.rule.name,
            "severity": self.rule.severity,
            "paths": list(self.hit.paths),
            "value": self.hit.value,
            "limit": self.limit,
        }


def rule(
    name: str, severity: Severity, *, limit: Value = None, says: str, mend: str
) -> Callable[[Judge], Rule]:
    """Decorator that makes a rule of a function of (scene, limit) that yields where it holds."""
    return lambda judge: Rule(name, severity, limit, says, mend, judge)


def paths_of(recordings: Sequence[Recording]) -> tuple[str, ...]:
    """Their relative paths."""
    return tuple(r.relative for r in recordings)

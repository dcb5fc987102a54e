"""Two runs of the history side by side: what became dearer or cheaper, layer by layer, and what is not alike."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from host.history.run import Run
from host.report.gates import COVERAGE, FOOTPRINT


@dataclass(frozen=True)
class Change:
    """One figure of two runs; None where a run has none. Of a share of coverage, more is better."""

    name: str
    before: float | None
    now: float | None
    more_is_better: bool = False

    @property
    def worse(self) -> bool:
        """Whether it became worse; what one run lacks did not."""
        if self.before is None or self.now is None or self.before == self.now:
            return False
        return (self.now < self.before) == self.more_is_better

    @property
    def percent(self) -> float | None:
        """How much it grew, in percent of before."""
        if not self.before or self.now is None:
            return None
        return 100.0 * (self.now - self.before) / self.before


@dataclass(frozen=True)
class Comparison:
    """What two runs differ by.

    Attributes:
        unlike: what must be the same before costs are held against each other, and is not: the costs are void then.
            Words as `model: c0ffee, now beef`.
        costs: stages and layers; empty where they are void or nothing is counted.
        sizes: footprint; coverage: shares, in percent.
        layers: what became of the layers where their lists differ: renamed, added, gone.
    """

    before: Run
    now: Run
    unlike: tuple[str, ...]
    costs: tuple[Change, ...]
    sizes: tuple[Change, ...]
    coverage: tuple[Change, ...]
    layers: tuple[str, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """All figures."""
        return self.costs + self.sizes + self.coverage

    @property
    def worse(self) -> tuple[Change, ...]:
        """What became worse."""
        return tuple(change for change in self.changes if change.worse)


def compared(before: Run, now: Run) -> Comparison:
    """Hold one run against an earlier one."""
    unlike = tuple(_unlike(before, now))
    pairs, said = aligned(before.named, now.named)
    void = bool(unlike) or "none" in (before.unit, now.unit)
    return Comparison(
        before,
        now,
        unlike,
        () if void else tuple(_costs(before, now, pairs)),
        tuple(Change(f"footprint.{n}", getattr(before, n), getattr(now, n)) for n in FOOTPRINT),
        tuple(
            Change(f"coverage.{n}", getattr(before, n), getattr(now, n), more_is_better=True)
            for n in COVERAGE
        ),
        tuple(said),
    )


def aligned(
    before: Sequence[tuple[int, str, str]], now: Sequence[tuple[int, str, str]]
) -> tuple[list[tuple[int, int]], list[str]]:
    """Which layers are the same, as places in both lists, and what is to be said of the others.

    By name and op, where a name stands once; a list of the same ops in the same order has been renamed at most.
    """
    if before == now:
        return [(place, place) for place in range(len(now))], []
    if [layer[:2] for layer in before] == [layer[:2] for layer in now]:
        renamed = [
            f"layer {old[0]} {old[1]} was renamed from {old[2]} to {new[2]}"
            for old, new in zip(before, now, strict=True)
            if old[2] != new[2]
        ]
        return [(place, place) for place in range(len(now))], renamed
    first, second = _once(before), _once(now)
    pairs = [(first[key], second[key]) for key in second if key in first]
    said = [f"layer {before[p][0]} {before[p][1]} is gone" for p in _rest(before, pairs, 0)]
    said += [f"layer {now[p][0]} {now[p][1]} is new" for p in _rest(now, pairs, 1)]
    return pairs, said


def _once(layers: Sequence[tuple[int, str, str]]) -> dict[tuple[str, str], int]:
    times = Counter(layer[1:] for layer in layers)
    return {layer[1:]: place for place, layer in enumerate(layers) if times[layer[1:]] == 1}


def _rest(
    layers: Sequence[tuple[int, str, str]], pairs: Sequence[tuple[int, int]], side: int
) -> list[int]:
    taken = {pair[side] for pair in pairs}
    return [place for place in range(len(layers)) if place not in taken]


def _unlike(before: Run, now: Run) -> Iterator[str]:
    """What decides over costs, and is another."""
    names: tuple[str, ...] = ("model_sha256", "kind", "tier", "backend", "compiler", "unit")
    if now.unit == "cycles":
        names += ("board",)
    for name in names:
        old, new = getattr(before, name), getattr(now, name)
        if old != new:
            yield f"{name.removesuffix('_sha256')}: {_short(old)}, now {_short(new)}"


def _costs(before: Run, now: Run, pairs: Sequence[tuple[int, int]]) -> Iterator[Change]:
    yield Change("cost.frontend", before.frontend, now.frontend)
    yield Change("cost.model", before.model_cost, now.model_cost)
    for old, new in pairs:
        index, op, _ = now.named[new]
        yield Change(f"layer {index} {op}", before.counted[old], now.counted[new])


def _short(text: str) -> str:
    return text[:12] if len(text) == 64 else text[:60]

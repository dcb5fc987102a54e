"""Every injection of the chosen rows, so many times, and its figures."""

import os
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from host.exit_codes import name_of
from host.selftest.faults.row import Injection, Row
from host.selftest.faults.scene import Scene
from host.selftest.faults.table import lacking


@dataclass
class Figures:
    """What came of one injection.

    Attributes:
        row: whose it is; how, tier: as the injection has them.
        gives: the code that it must end with.
        injected: how often the fault came about, of `tried` times.
        codes: exit code -> how often.
        passed_wrongly: how often it was green and must not be.
        frames: that hosts sent.
        seconds: of processors, of this process and of those that it started and that have ended.
        skipped: why it was not tried; "" where it was.
        wrong: what was not as the row says.
    """

    row: str
    how: str
    tier: str
    gives: int
    tried: int = 0
    injected: int = 0
    codes: dict[str, int] = field(default_factory=dict)
    passed_wrongly: int = 0
    frames: int = 0
    seconds: float = 0.0
    skipped: str = ""
    wrong: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """For people."""
        if self.skipped:
            return f"{self.row:11}{self.how:58}{self.tier:11} skipped: {self.skipped}"
        codes = ", ".join(f"{code} {name_of(int(code))} {n}" for code, n in self.codes.items())
        return (
            f"{self.row:11}{self.how:58}{self.tier:11}{self.injected:5}  {codes:18}"
            f"{self.passed_wrongly:3} passed wrongly  {self.frames:7,} frames  {self.seconds:6.1f} s"
        )


def campaign(
    scene: Scene,
    rows: Sequence[Row],
    count: int,
    seed: int,
    done: Callable[[Figures], None] = lambda figures: None,
) -> list[Figures]:
    """Each injection `count` times, dear ones a tenth as often, and once at least.

    Args:
        seed: the first number; `done` is told of each injection.
    """
    found = []
    for row in rows:
        for injection in row.injections:
            figures = Figures(row.name, injection.how, injection.tier, int(injection.gives))
            figures.skipped = lacking(injection.tier)
            if not figures.skipped:
                times = max(1, count // 10) if injection.dear else count
                _inject(scene, injection, range(seed, seed + times), figures)
            found.append(figures)
            done(figures)
    return found


def _inject(scene: Scene, injection: Injection, numbers: Iterable[int], figures: Figures) -> None:
    codes: Counter[str] = Counter()
    began = _processors()
    for number in numbers:
        figures.tried += 1
        try:
            seen = injection.act(scene, number)
        except Exception:
            figures.wrong.append(f"--seed {number}: it raised {traceback.format_exc()[-1500:]}")
            continue
        codes[str(seen.code)] += 1
        figures.frames += seen.frames
        figures.injected += seen.struck
        figures.passed_wrongly += injection.passed_wrongly(seen)
        if wrong := injection.wrong(seen):
            figures.wrong.append(f"--seed {number}: {wrong}")
    figures.codes, figures.seconds = dict(codes), round(_processors() - began, 2)
    if not figures.injected and not figures.wrong:
        figures.wrong.append(f"the fault never came about in {figures.tried}")


def _processors() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def as_json(found: Sequence[Figures]) -> dict[str, Any]:
    """The figures, and every deviation with how it is repeated."""
    deviating = [
        f"{one.row}, {one.how}, on {one.tier}: {wrong}\n  repeat it: nightjar selftest faults --rows {one.row}"
        for one in found
        for wrong in one.wrong
    ]
    return {
        "injections": [asdict(one) for one in found],
        "injected": sum(one.injected for one in found),
        "passed_wrongly": sum(one.passed_wrongly for one in found),
        "deviations": len(deviating),
        "deviating": deviating,
    }

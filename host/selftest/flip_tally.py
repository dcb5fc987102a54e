"""The figures of a campaign of flips, and the survivors with what explains them."""

import random
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from host.selftest.flips import EXACT, Flip
from host.selftest.places import Reach
from host.selftest.pool import Ended

_SHOWN = 30  # survivors that are drawn at random for people


@dataclass
class FlipTally:
    """What was found up to now. deviations: lines that each tell of one."""

    flips: list[Flip] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)

    def add(self, ended: Ended[tuple[int, int, int], Flip]) -> None:
        """Take a flip as it ended."""
        if ended.result is None:
            number, byte, bit = ended.case
            self.deviations.append(f"flip {number}, loaded byte {byte} bit {bit}: {ended.wrong}")
        else:
            self.take(ended.result)

    def take(self, flip: Flip) -> None:
        """Take a flip that was judged."""
        self.flips.append(flip)
        if flip.wrong:
            self.deviations.append(f"flip {flip.number}, {_where(flip)}: {flip.wrong}; {flip.text}")

    @property
    def survivors(self) -> list[Flip]:
        """In the order of the flips."""
        return sorted((f for f in self.flips if f.survived), key=lambda flip: flip.number)

    def as_json(self) -> dict[str, Any]:
        """The figures."""
        return {
            "judged": len(self.flips),
            "refused_by_the_record": sum(flip.refused for flip in self.flips),
            "outcomes": dict(Counter(flip.outcome for flip in self.flips)),
            "sections": self._sections(),
            "judged_again": sum(flip.again for flip in self.flips),
            "seconds": round(sum(flip.seconds for flip in self.flips), 1),
            "survivors": [asdict(flip) for flip in self.survivors],
            "deviations": len(self.deviations),
            "deviating": self.deviations,
        }

    def lines(self) -> list[str]:
        """The figures for people."""
        lines = [f"{'section':16} {'':12} {'flips':>6} {'EXACT':>6}  others"]
        for row in self._sections():
            exact = row["outcomes"].get(EXACT, 0)
            others = {k: v for k, v in sorted(row["outcomes"].items()) if k != EXACT}
            text = ", ".join(f"{name} {count}" for name, count in others.items())
            head = f"{row['section']:16} {row['reach']:12} {row['flips']:6} {exact:6}"
            lines.append(f"{head}  {text}".rstrip())
        survivors = self.survivors
        reached = sum(flip.place.reach != Reach.NOT for flip in self.flips)
        refused = sum(flip.refused for flip in self.flips)
        lines.append(
            f"{len(self.flips)} flips: {refused} refused by the unchanged record; recorded anew,"
            f" {len(survivors)} of {reached} in bytes that may be reached change nothing"
        )
        return [*lines, *self.explanations()]

    def explanations(self) -> list[str]:
        """Survivors drawn at random, each with what a person needs to explain it."""
        survivors = self.survivors
        chosen = random.Random(0).sample(survivors, min(_SHOWN, len(survivors)))
        return [
            f"{_where(one)} ({one.place.reach}): {one.before} -> {one.after}  {one.source}".rstrip()
            for one in sorted(chosen, key=lambda flip: flip.number)
        ]

    def _sections(self) -> list[dict[str, Any]]:
        found: dict[tuple[str, str], Counter[str]] = {}
        for flip in self.flips:
            key = flip.place.section, flip.place.reach
            found.setdefault(key, Counter())[flip.outcome] += 1
        return [
            {
                "section": section,
                "reach": str(reach),
                "flips": outcomes.total(),
                "outcomes": dict(outcomes),
            }
            for (section, reach), outcomes in sorted(found.items())
        ]


def _where(flip: Flip) -> str:
    return f"{flip.place.name} bit {flip.bit} at {flip.place.address:#x}"

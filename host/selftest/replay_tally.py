"""The figures of a campaign of replays."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from host.selftest.pool import Ended
from host.selftest.replays import Result


@dataclass
class ReplayTally:
    """What was found up to now. deviations: lines that each tell of one, and how it is repeated."""

    deviations: list[str] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def add(self, ended: Ended[int, Result]) -> None:
        """Take a case as it ended."""
        result = ended.result
        if result is None:
            self._deviates(ended.case, ended.wrong)
            return
        self.results.append(result)
        if result.wrong:
            self._deviates(
                result.seed, f"{result.kind}, firmware {result.firmware}: {result.wrong}"
            )

    def _deviates(self, seed: int, what: str) -> None:
        again = f"nightjar selftest replays --only {seed}"
        self.deviations.append(f"session {seed}: {what}\n  repeat it: {again}")

    def as_json(self) -> dict[str, Any]:
        """The figures."""
        return {
            "sessions": len(self.results),
            "of_the_suite": sum(one.suite for one in self.results),
            "on_a_damaged_link": sum(one.kind != "whole" for one in self.results),
            "outcomes": {tier: dict(counts) for tier, counts in self._outcomes().items()},
            "damaged_files": sum(one.refused + one.unchanged for one in self.results),
            "refused": sum(one.refused for one in self.results),
            "unchanged": sum(one.unchanged for one in self.results),
            "bytes": sum(one.bytes for one in self.results),
            "deviations": len(self.deviations),
            "deviating": self.deviations,
        }

    def _outcomes(self) -> dict[str, Counter[str]]:
        tiers = sorted({one.tier for one in self.results})
        return {
            tier: Counter(sorted(one.outcome for one in self.results if one.tier == tier))
            for tier in tiers
        }

    def lines(self) -> list[str]:
        """The figures for people."""
        said = self.as_json()
        lines = [
            f"{said['sessions']} sessions recorded and replayed, {said['of_the_suite']} of them of the suite, "
            f"{said['on_a_damaged_link']} over a link that was damaged or struck",
        ]
        for tier, counts in said["outcomes"].items():
            each = ", ".join(f"{name} {count}" for name, count in counts.items())
            lines.append(f"  {tier}: {each}")
        return [
            *lines,
            f"{said['damaged_files']} damaged files: {said['refused']} refused, {said['unchanged']} came to the same",
        ]

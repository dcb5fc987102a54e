"""The figures of a campaign of sessions."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from host.selftest.pool import Ended
from host.selftest.sessions import KINDS, Result


@dataclass
class _Row:
    """What was found of one kind of link."""

    sessions: int = 0
    struck: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    faults: int = 0
    again: int = 0
    longest: float = 0.0


@dataclass
class SessionTally:
    """What was found up to now. deviations: lines that each tell of one, and how it is repeated."""

    deviations: list[str] = field(default_factory=list)
    _rows: dict[str, _Row] = field(default_factory=lambda: {kind: _Row() for kind in KINDS})
    _began: float = field(default_factory=time.monotonic)
    _ended: float = field(default_factory=time.monotonic)

    def add(self, ended: Ended[int, Result]) -> None:
        """Take a session as it ended."""
        self._ended = time.monotonic()
        result = ended.result
        if result is None:
            self._deviates(ended.case, ended.wrong)
            return
        row = self._rows[result.kind]
        row.sessions += 1
        row.struck += result.struck
        row.outcomes[result.outcome] += 1
        row.repeats += result.repeats
        row.faults += result.faults
        row.again += result.again
        row.longest = max(row.longest, result.seconds)
        if result.wrong:
            self._deviates(
                result.seed, f"{result.kind}, firmware {result.firmware}: {result.wrong}"
            )

    def _deviates(self, seed: int, what: str) -> None:
        again = f"nightjar selftest sessions --only {seed}"
        self.deviations.append(f"session {seed}: {what}\n  repeat it: {again}")

    @property
    def sessions(self) -> int:
        """How many ended."""
        return sum(row.sessions for row in self._rows.values())

    @property
    def seconds(self) -> float:
        """From the beginning to the end of the last one."""
        return self._ended - self._began

    def as_json(self) -> dict[str, Any]:
        """The figures."""
        return {
            "sessions": self.sessions,
            "seconds": round(self.seconds, 1),
            "per_second": round(self.sessions / max(self.seconds, 1e-9), 1),
            "kinds": {
                kind: {
                    "sessions": row.sessions,
                    "struck": row.struck,
                    "outcomes": dict(row.outcomes),
                    "requests_repeated": row.repeats,
                    "faults": row.faults,
                    "done_again": row.again,
                    "longest_seconds": round(row.longest, 1),
                }
                for kind, row in self._rows.items()
            },
            "deviations": len(self.deviations),
            "deviating": self.deviations,
        }

    def lines(self) -> list[str]:
        """The figures for people."""
        head = f"{'link':30}{'sessions':>9}{'struck':>8}{'repeats':>9}{'faults':>10}  outcomes"
        lines = [head]
        for kind, row in self._rows.items():
            outcomes = ", ".join(f"{name} {count}" for name, count in sorted(row.outcomes.items()))
            lines.append(
                f"{kind:30}{row.sessions:9,}{row.struck:8,}{row.repeats:9,}{row.faults:10,}  {outcomes}"
            )
        again = sum(row.again for row in self._rows.values())
        lines.append(
            f"{self.sessions:,} sessions in {self.seconds:.0f} s, {again} of them done again for want of time"
        )
        return lines

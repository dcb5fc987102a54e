"""The figures of a campaign of signals."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from host.selftest.pool import Ended
from host.selftest.signals import Drawn, Result


@dataclass
class SignalTally:
    """What was found up to now. deviations: lines that each tell of one, and how it is repeated."""

    seed: int
    results: list[Result] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)

    def add(self, ended: Ended[Drawn, Result]) -> None:
        """Take a case as it ended."""
        again = f"nightjar selftest signals --seed {self.seed} --only {ended.case.number}"
        what, wrong = f"case {ended.case.number}, {ended.case.kind}", ended.wrong
        if ended.result is not None:
            result, wrong = ended.result, ended.result.wrong
            self.results.append(result)
            what += f", {' and '.join(result.signals)} from {result.at:.3f} s on"
        if wrong:
            self.deviations.append(f"{what}: {wrong}\n  repeat it: {again}")

    def as_json(self) -> dict[str, Any]:
        """The figures."""
        return {
            "judged": len(self.results),
            "ended_by_a_signal": sum(one.hit for one in self.results),
            "before_our_first_line": sum(one.hit and not one.begun for one in self.results),
            "with_two_signals": sum(len(one.signals) > 1 for one in self.results),
            "codes": {str(code): n for code, n in sorted(Counter(self._codes()).items())},
            "kinds": dict(Counter(one.kind for one in self.results)),
            "cases": [asdict(one) for one in self.results],
            "deviations": len(self.deviations),
            "deviating": self.deviations,
        }

    def lines(self) -> list[str]:
        """The figures for people."""
        lines = [f"{'command':28}{'cases':>6}{'ended':>7}  codes"]
        for kind, cases in Counter(one.kind for one in self.results).items():
            mine = [one for one in self.results if one.kind == kind]
            codes = ", ".join(
                f"{c} x {n}" for c, n in sorted(Counter(r.code for r in mine).items())
            )
            lines.append(f"{kind:28}{cases:6}{sum(one.hit for one in mine):7}  {codes}")
        hit = [one for one in self.results if one.hit]
        early = sum(not one.begun for one in hit)
        lines.append(
            f"{len(self.results)} commands, {len(hit)} ended by a signal, {early} of them before our first line"
        )
        return lines

    def _codes(self) -> list[int]:
        return [one.code for one in self.results]

"""What a rule says where it holds, and the form of a rule."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from model_gen.codegen.neural_art.lint.subject import Subject

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
Sure = Literal["proved on silicon", "measured", "inferred"]
PROVED: Sure = "proved on silicon"
MEASURED: Sure = "measured"
INFERRED: Sure = "inferred"
MODEL, CODE, BOTH = "model", "network.c", "model or network.c"


@dataclass(frozen=True)
class Remedy:
    """A change, and what was computed for it.

    Attributes:
        change: what to do.
        tells: what was computed for it, in words with numbers; empty where nothing can be.
        steps: the size afterwards, in output steps; None where it was not computed.
    """

    change: str
    tells: str = ""
    steps: float | None = None


@dataclass(frozen=True)
class Hit:
    """Where a rule holds.

    Attributes:
        where: the op of the model, or the node, the epoch and the line of network.c.
        says: what was found there, with its numbers.
        sure: how sure that is.
        source: from what it follows.
        steps: how large it is, in steps of the output; None where it has no such size.
        remedies: what to change, the best first.
    """

    where: str
    says: str
    sure: Sure
    source: str
    steps: float | None = None
    remedies: tuple[Remedy, ...] = ()


Judge = Callable[["Subject", Any], Iterator[Hit]]


@dataclass(frozen=True)
class Rule:
    """One thing that goes wrong on the NPU.

    Attributes:
        code: "R1" to "R9"; two rules of one code look at the same from two sides.
        name: a word for it.
        severity: of each finding.
        reads: `MODEL`, `CODE` or `BOTH`: what it can be judged from.
        limit: what its number is held against; None where there is none.
        says: what holds where it is found.
        mend: what to do about it.
    """

    code: str
    name: str
    severity: Severity
    reads: str
    limit: float | None
    says: str
    mend: str
    judge: Judge = field(repr=False)


@dataclass(frozen=True)
class Finding:
    """A rule that holds somewhere."""

    rule: Rule
    hit: Hit

    def as_json(self) -> dict[str, Any]:
        """As in `nightjar/lint/1`."""
        hit = self.hit
        return {
            "rule": self.rule.code,
            "name": self.rule.name,
            "severity": self.rule.severity,
            "where": hit.where,
            "says": hit.says,
            "sure": hit.sure,
            "source": hit.source,
            "steps": hit.steps,
            "remedies": [
                {"change": one.change, "predicted": one.tells, "steps": one.steps}
                for one in hit.remedies
            ],
        }


def rule(
    code: str,
    name: str,
    severity: Severity,
    *,
    reads: str,
    says: str,
    mend: str,
    limit: float | None = None,
) -> Callable[[Judge], Rule]:
    """Decorator that makes a rule of a function of (subject, limit) that yields where it holds."""
    return lambda judge: Rule(code, name, severity, reads, limit, says, mend, judge)

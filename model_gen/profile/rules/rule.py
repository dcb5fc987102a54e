"""The form of a rule that a model is held against before it is converted, and what it finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from model_gen.codegen.neural_art.lint.finding import Severity
from model_gen.profile.step import Shape, Step


@dataclass(frozen=True)
class Scene:
    """What the rules look at.

    Attributes:
        inputs: shapes of the model's inputs, without the batch.
        steps: of its int8 inference.
        trained: whether its weights were learned; those of a model that will train say nothing yet.
    """

    inputs: tuple[Shape, ...]
    steps: tuple[Step, ...]
    trained: bool

    def is_last(self, step: Step) -> bool:
        """Whether nothing but the head's activation follows: its channels are the classes."""
        number = self.steps.index(step)
        heads = ("SOFTMAX", "LOGISTIC", "RESHAPE")
        return all(later.op in heads for later in self.steps[number + 1 :])


@dataclass(frozen=True)
class Hit:
    """A place where a rule holds: a layer, and what was found there, with its numbers.

    mend: what to do about this one, where it is another thing than what the rule says.
    """

    where: str
    says: str
    mend: str | None = None


Judge = Callable[[Scene, Any], Iterator[Hit]]


@dataclass(frozen=True)
class Rule:
    """One thing that the NPU makes slow, or wrong, or cannot hold.

    Attributes:
        name: a word for it.
        severity: of each finding: an error gives wrong results or does not compile, a warning costs time or
            certainty, a note is to be known.
        limit: what its number is held against; None where there is none.
        says: what holds where it is found.
        mend: what to do about it.
        source: where that is known from.
    """

    name: str
    severity: Severity
    limit: float | None
    says: str
    mend: str
    source: str
    judge: Judge = field(repr=False)


@dataclass(frozen=True)
class Finding:
    """A rule that holds somewhere."""

    rule: Rule
    hit: Hit

    @property
    def mend(self) -> str:
        """What to do about it."""
        return self.hit.mend or self.rule.mend


def rule(
    name: str, severity: Severity, *, says: str, mend: str, source: str, limit: float | None = None
) -> Callable[[Judge], Rule]:
    """Decorator that makes a rule of a function of (scene, limit) that yields where it holds."""
    return lambda judge: Rule(name, severity, limit, says, mend, source, judge)

"""All that keeps a backend from taking a model, told at once: op after op, each with its own next step."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from host.errors import BadInput
from model_gen.codegen.tflite.graph import NotConstant, Refusal

_LISTED = 6  # ops that a line for people names


@dataclass(frozen=True)
class Finding:
    """One reason, and the ops that it holds for: their indices, none where it is of the model's ends.

    `evidence` is of the first of them.
    """

    ops: tuple[int, ...]
    name: str  # of the op, "" without one
    why: str
    evidence: str
    next_step: str

    @property
    def title(self) -> str:
        """What it is of, and the reason, in one line."""
        if not self.ops:
            return self.why
        listed = ", ".join(map(str, self.ops[:_LISTED]))
        more = len(self.ops) - _LISTED
        listed += f" and {more} more" if more > 0 else ""
        return f"op{'s' if len(self.ops) > 1 else ''} {listed}, {self.name}: {self.why}"

    def lines(self) -> list[str]:
        """The finding in lines for people."""
        return [self.title, f"  evidence: {self.evidence}", f"  next step: {self.next_step}"]


class Refused(BadInput):
    """A model with several findings, or with one in several ops, which it then tells as any error does."""

    def __init__(self, backend: str, findings: tuple[Finding, ...]) -> None:
        ops = len({op for one in findings for op in one.ops})
        what = f"backend {backend} does not take this model: {len(findings)} findings in {ops} ops"
        alone = findings[0] if len(findings) == 1 else None
        super().__init__(
            what if alone is None else alone.title,
            evidence="; ".join(one.title for one in findings) if alone is None else alone.evidence,
            next_step="; ".join(dict.fromkeys(one.next_step for one in findings)),
        )
        self.findings = findings

    def __str__(self) -> str:
        if len(self.findings) == 1:
            return super().__str__()
        lines = [line for one in self.findings for line in one.lines()]
        return "\n".join([f"{self.failure_class}: {self.what}", *(f"  {line}" for line in lines)])

    def as_json(self) -> dict[str, object]:
        """As any error, and the findings one by one."""
        return {**super().as_json(), "findings": [asdict(one) for one in self.findings]}


class Findings:
    """What was refused so far. A stage notes, goes on with what does not depend on it, and the caller checks.

    backend: its name, for people.
    """

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self._errors: list[BadInput] = []

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Keep what the block refuses."""
        try:
            yield
        except BadInput as error:
            self.note(error)

    def note(self, error: BadInput, *, guessed: bool = False) -> None:
        """Keep a refusal; not where it is only that a value is unknown which a refused op would have told."""
        if not (guessed and isinstance(error, NotConstant)):
            self._errors.append(error)

    def __bool__(self) -> bool:
        return bool(self._errors)

    @property
    def refused(self) -> frozenset[int]:
        """Ops that were refused."""
        return frozenset(error.op.index for error in self._errors if isinstance(error, Refusal))

    def advise(self, option: str) -> bool:
        """Whether a next step names `option`."""
        return any(option in error.next_step for error in self._errors)

    def hold_against(self, option: str, there: "Findings") -> None:
        """Say with each next step that names `option` what would be refused with it, where anything would."""
        names = ", ".join(dict.fromkeys(one.name or one.why for one in there.grouped()))
        for error in self._errors:
            if names and option in error.next_step:
                error.next_step += f"; but {option} would refuse {names}"

    def check(self) -> None:
        """Go on only where nothing was refused.

        Raises:
            BadInput: the one refusal, or `Refused` with all of them.
        """
        found = self.grouped()
        if len(self._errors) == 1:
            raise self._errors[0]
        if found:
            raise Refused(self.backend, found)

    def grouped(self) -> tuple[Finding, ...]:
        """The findings in the order of their first ops, ops of one name and reason together."""
        return tuple(sorted(_grouped(self._errors), key=lambda one: one.ops[:1]))


def _grouped(errors: Iterable[BadInput]) -> Iterator[Finding]:
    groups: dict[tuple[str, str, str], list[BadInput]] = {}
    for error in errors:
        name, why = (error.op.name, error.why) if isinstance(error, Refusal) else ("", error.what)
        groups.setdefault((name, why, error.next_step), []).append(error)
    for (name, why, next_step), alike in groups.items():
        ops = sorted({error.op.index for error in alike if isinstance(error, Refusal)})
        yield Finding(tuple(ops), name, why, alike[0].evidence, next_step)

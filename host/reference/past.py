"""What a model with state was given before: the earlier steps of a sequence, each linked to those before it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from host.cache import key_of
from host.reference.interpreter import Array


@dataclass(frozen=True, eq=False)
class Past:
    """One step, and the past of it; None in its place is the start of a sequence.

    digest: SHA-256 in hex of all these steps, equal for equal ones. length: how many they are.
    """

    inputs: tuple[Array, ...]
    before: "Past | None" = field(default=None, repr=False)

    def __post_init__(self) -> None:
        earlier = "" if self.before is None else self.before.digest
        parts = (
            part
            for one in self.inputs
            for part in (repr((one.dtype.str, one.shape)), one.tobytes())
        )
        object.__setattr__(self, "digest", key_of("past", earlier, *parts))
        object.__setattr__(self, "length", 1 + (0 if self.before is None else self.before.length))

    digest: str = field(init=False)
    length: int = field(init=False)

    def steps(self) -> "list[Past]":
        """All of them, the first first."""
        found: list[Past] = []
        one: Past | None = self
        while one is not None:
            found.append(one)
            one = one.before
        return found[::-1]


def digest_of(past: Past | None) -> str:
    """Its digest; "" of the start."""
    return "" if past is None else past.digest


def missing(past: Past | None, done: Past | None) -> list[Past] | None:
    """The steps that lead from what is `done` to `past`, the first first; None where only a start leads there."""
    found: list[Past] = []
    while digest_of(past) != digest_of(done):
        if past is None:
            return None
        found.append(past)
        past = past.before
    return found[::-1]


def linked(steps: Sequence[tuple[Array, ...]]) -> Iterator[Past | None]:
    """The past of each step of a sequence."""
    past = None
    for inputs in steps:
        yield past
        past = Past(inputs, past)

"""Who judges what a board computes: anything that gives every tensor of what it runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from host.reference.interpreter import Array, ReferenceTensor
from host.reference.past import Past


class Judge(Protocol):
    """What runs on the board, on this computer.

    description: its name, version, and whatever else decides its numbers. loaded: how it came into this process.
    """

    @property
    def description(self) -> str: ...

    @property
    def loaded(self) -> str: ...

    @property
    def inputs(self) -> Sequence[ReferenceTensor]: ...

    @property
    def outputs(self) -> Sequence[ReferenceTensor]: ...

    def run(self, inputs: list[Array], past: Past | None = None) -> dict[int, Array]:
        """One inference: every tensor that is computed or kept, by its index. `past`: what was given before, where
        that decides what a model gives; None begins a sequence."""


@dataclass(frozen=True)
class Judging:
    """What is judged, and by whom.

    open: loads the judge. content: SHA-256 of all that is judged. identity: of all that decides the judge's numbers
    besides.
    """

    open: Callable[[], Judge]
    content: str
    identity: str

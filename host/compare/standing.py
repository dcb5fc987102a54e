"""Where a board stands in a sequence, and how it is brought to another place in it."""

from collections.abc import Callable
from dataclasses import dataclass

from host.compare.vectors import Vector
from host.deadline import Deadline
from host.link.client import Client
from host.link.messages import Mode, Stages
from host.reference.kept import to_bytes
from host.reference.past import Past, missing


@dataclass
class Standing:
    """Loads the inputs of a model with state on one board. Whoever loads one runs it to its end before the next.

    The board's state goes on when another input is loaded (firmware/core/nj_state.h): the present one can be run as
    often as anybody likes.
    """

    client: Client
    _loaded: Past | None = None  # the input that is there, with its past

    def load(self, vector: Vector, patience: Callable[[], Deadline]) -> None:
        """Put `vector` on the board, with the state that its past leaves. Where it is there already, it stays.

        The first of a sequence is always loaded anew, as on a board that was just started.
        """
        wanted = Past(vector.inputs, vector.past)
        steps = (
            None if self._loaded is None or vector.past is None else missing(wanted, self._loaded)
        )
        if steps is None:
            self.client.clear(patience())
            steps = wanted.steps()
        for step in steps:
            self._put(step, patience)
            if step is not steps[-1]:
                self.client.run(Stages.MODEL, mode=Mode.PLAIN, deadline=patience())

    def _put(self, step: Past, patience: Callable[[], Deadline]) -> None:
        for index, tensor in enumerate(step.inputs):
            self.client.load_input(index, to_bytes(tensor), patience())
        self._loaded = step

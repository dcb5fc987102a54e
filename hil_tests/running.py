"""The board that a user's own tests talk to."""

from typing import Any

import numpy as np
import numpy.typing as npt

from host.compare.bench import Bench
from host.compare.vectors import Vector
from host.errors import BadInput
from host.link.messages import Hello

Array = npt.NDArray[Any]


class RunningBoard:
    """A board with the firmware of a bundle, started and identified by its first use.

    What it answers is not compared with anything: the fixture `verdict` does that.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    @property
    def hello(self) -> Hello:
        """Who answers: board, model, build-id, clocks, cost unit."""
        return self._bench.identity()

    @property
    def tier(self) -> str:
        """Who runs the firmware: "native", "virtual", ..., or a kind of board."""
        return self._bench.session.board

    def infer(self, *inputs: Array) -> tuple[Array, ...]:
        """What the model makes of one tensor an input, each of the input's shape and dtype, as in the .tflite.

        Raises:
            BadInput: other tensors than the model has.
            NightjarError: the board or the link has failed, and its class.
        """
        ports = self._bench.oracle.reference.inputs
        wanted = [(tuple(port.shape), np.dtype(port.dtype)) for port in ports]
        got = [(array.shape, array.dtype) for array in inputs]
        if got != wanted:
            raise BadInput(
                f"the model's inputs are {_listed(wanted)}",
                evidence=f"Received: {_listed(got)}",
                next_step="give one array of just this shape and dtype for each input",
            )
        return self._bench.outputs(Vector(0, tuple(inputs)))

    def hear(self, chunk: npt.NDArray[np.int16]) -> tuple[Array, ...]:
        """What the model makes of a chunk of sound, int16 [chunk_samples], through the board's own frontend.

        Raises:
            BadInput: the model came without a contract, or the chunk has another length or dtype.
            NightjarError: the board or the link has failed, and its class.
        """
        contract = self._bench.session.subject.contract
        samples = 0 if contract is None else contract.frontend.chunk_samples
        if samples == 0 or chunk.shape != (samples,) or chunk.dtype != np.int16:
            raise BadInput(
                f"the chunks of this bundle are int16 [{samples}]"
                if samples
                else "only a bundle can hear: a bare .tflite has no frontend",
                evidence=f"Received: {_listed([(chunk.shape, chunk.dtype)])}",
                next_step="cut the sound to chunks, or use `infer` with the model's own inputs",
            )
        return self._bench.outputs(Vector(0, chunk=chunk))


def _listed(tensors: list[tuple[tuple[int, ...], np.dtype[Any]]]) -> str:
    return ", ".join(f"{dtype} {list(shape)}" for shape, dtype in tensors) or "nothing"

"""What a model keeps from one inference to the next, as its file says, and where a judge of it stands in a sequence."""

from collections.abc import Callable
from typing import Any

from host.operator_code import builtin_code
from host.reference.interpreter import Array
from host.reference.past import Past, missing

HANDLE = "VAR_HANDLE"  # gives no tensor but the name of a variable


def own_states(model: bytes) -> set[int]:
    """The tensors that an op keeps for itself, as SVDF and LSTM do. Of bytes that are a .tflite."""
    graph = _root(model).Subgraphs(0)
    used = {
        operator.Inputs(i)
        for operator in map(graph.Operators, range(graph.OperatorsLength()))
        for i in range(operator.InputsLength())
    }
    return {index for index in used if index >= 0 and graph.Tensors(index).IsVariable()}


def has_state(model: bytes) -> bool:
    """Whether an inference depends on those before it. Of bytes that are a .tflite."""
    import tflite

    root = _root(model)
    codes = (root.OperatorCodes(i) for i in range(root.OperatorCodesLength()))
    handles = any(builtin_code(code) == tflite.BuiltinOperator.VAR_HANDLE for code in codes)
    return handles or bool(own_states(model))


def _root(model: bytes) -> Any:
    import tflite

    return tflite.Model.GetRootAsModel(model, 0)


class Standing:
    """Where an interpreter stands in a sequence.

    restart: bring it to the start. step: one inference, whose result nobody wants.
    """

    def __init__(
        self, restart: Callable[[], None], step: Callable[[tuple[Array, ...]], None]
    ) -> None:
        self._restart = restart
        self._step = step
        self._done: Past | None = None

    def bring(self, past: Past | None) -> None:
        """To where exactly these steps have been done."""
        steps = missing(past, self._done)
        if steps is None:
            self._restart()
            steps = [] if past is None else past.steps()
        for one in steps:
            self._step(one.inputs)
        self._done = past

    def took(self, inputs: list[Array]) -> None:
        """One more step has been done."""
        self._done = Past(tuple(inputs), self._done)

"""From resolved ops to steps: which kernel each op calls, what is only an alias, what was folded."""

from dataclasses import dataclass

from host.errors import BadInput
from model_gen.codegen.fold import Resolved
from model_gen.codegen.graph import Tensor
from model_gen.codegen.ops import RULES
from model_gen.codegen.ops.registry import Alias, Kernel, View

PORT_TYPES = ("int8", "float32")


@dataclass(frozen=True)
class Step:
    """One step of the firmware: kernel `kernel` for the op that `view` shows."""

    number: int
    view: View
    kernel: Kernel


@dataclass(frozen=True)
class Program:
    """What the firmware runs.

    `storage[tensor]` is the tensor whose memory it lives in (itself unless it is an alias), for every tensor that is
    computed on the board. Constant tensors are not in it.
    """

    resolved: Resolved
    steps: tuple[Step, ...]
    storage: dict[int, int]

    @property
    def tensors(self) -> dict[int, Tensor]:
        return self.resolved.tensors

    def rounding(self) -> dict[str, str]:
        """op name -> rounding rule, for the ops that round."""
        return {
            step.view.op.name: step.kernel.rule
            for step in sorted(self.steps, key=lambda s: s.view.op.name)
            if step.kernel.rule is not None
        }


def lower(resolved: Resolved) -> Program:
    """Choose a kernel for every op that is not constant.

    Raises:
        BadInput: an op, type or quantization that backend cm55 does not take.
    """
    graph = resolved.graph
    for what, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for index in indices:
            tensor = resolved.tensors[index]
            if tensor.dtype not in PORT_TYPES:
                raise BadInput(
                    f"backend cm55 takes models with int8 or float32 {what}s",
                    evidence=f"Received: {what} {index}: {tensor.describe()}",
                    next_step="convert the model to full int8 with int8 or float32 inputs and outputs",
                )
    storage = {index: index for index in graph.inputs}
    steps: list[Step] = []
    for view in resolved.views:
        if resolved.is_folded(view):
            continue
        if view.output.elements == 0:
            raise view.refuse("its output is empty")
        rule = RULES[view.op.name].lower
        assert rule is not None  # resolve() refuses what has neither value nor kernel
        result = rule(view)
        if isinstance(result, Alias) and view.input(0).index in storage:
            storage[view.output.index] = storage[view.input(0).index]
            continue
        if isinstance(result, Alias):
            raise view.refuse("its input is constant but its output is not")
        storage[view.output.index] = view.output.index
        steps.append(Step(len(steps), view, result))
    return Program(resolved, tuple(steps), storage)

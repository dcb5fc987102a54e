"""A layer as the NPU computes it: where its bytes come from, its constants, and its arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from host.npu.compiler.constant import FORMULA, Constant
from model_gen.codegen.tflite.graph import Array, Op

NPU = "npu"  # the units of the NPU, by the formulas
MOVED = "moved"  # bytes moved, compared or clipped: whoever does it gives the same
SOFTWARE = "software"  # an epoch on the processor: TFLite's reference stands in for ST's library
UNKNOWN_OP = "not modelled"  # nobody knows what the compiler makes of it: the reference stands in


class Layer(Protocol):
    """One op of the model."""

    @property
    def op(self) -> Op: ...

    @property
    def how(self) -> str:
        """`NPU`, `MOVED`, `SOFTWARE` or `UNKNOWN_OP`."""

    @property
    def constants(self) -> tuple[Constant, ...]: ...

    @property
    def doubts(self) -> tuple[str, ...]:
        """What about this layer's bytes is not proven, in words; empty when they are certain."""

    def compute(self, inputs: Sequence[Array], rule: str) -> tuple[Array, ...]:
        """The outputs of the op from its computed inputs, in the op's order.

        Args:
            inputs: the tensors that the op reads and that are not constant.
            rule: the tie rule.
        """


@dataclass(frozen=True, eq=False)
class Known:
    """What every layer of the NPU has: the op and its constants; its doubts are theirs."""

    op: Op
    constants: tuple[Constant, ...]

    @property
    def how(self) -> str:
        return NPU

    @property
    def doubts(self) -> tuple[str, ...]:
        return tuple(
            f"{constant.kind} is {constant.grade}: {constant.why}"
            for constant in self.constants
            if constant.grade != FORMULA
        )

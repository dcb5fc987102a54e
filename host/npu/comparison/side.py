"""Who says what the NPU computes: the executor of a network.c, or the compiler model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from host.npu.compiler.model import CompiledModel
from model_gen.codegen.tflite.graph import Array

OBSERVED, FUSED, HIDDEN = "observed", "fused away", "not observable"


@dataclass(frozen=True)
class Place:
    """Whether a tensor of the model can be seen.

    Attributes:
        state: OBSERVED, FUSED (no unit writes it to memory) or HIDDEN.
        reason: why it is not observed; "" where it is.
        name: of the tensor that holds it.
        how: what told so; see `mapping`.
        epoch: that writes it; None in a prediction.
        copies: names of tensors that hold the same.
    """

    state: str
    reason: str = ""
    name: str = ""
    how: str = ""
    epoch: int | None = None
    copies: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Pass:
    """What the NPU computed of one vector.

    Attributes:
        tensors: in the model's form, by index: what is observed.
        everything: (name, array) of each tensor, batch first, in order of computation, outputs
            last.
        copies: by index of a tensor, those of its copies that hold something else, by name.
    """

    tensors: Mapping[int, Array]
    everything: Sequence[tuple[str, Array]]
    copies: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class About:
    """Who computes.

    Attributes:
        kind: "executed" or "predicted".
        dialect: e.g. "2.2".
        tool: stedgeai's version, or the compiler model.
        rule: for ties.
        statement: how the network is known for that of the model.
        processor: that a network is executed on; "" for a prediction.
    """

    kind: str
    dialect: str
    tool: str
    rule: str
    statement: str
    processor: str = ""


class Side(Protocol):
    """A NPU that can be run."""

    @property
    def about(self) -> About: ...

    @property
    def model(self) -> CompiledModel: ...

    @property
    def places(self) -> Mapping[int, Place]:
        """By index of each tensor that an op makes; complete once something was run."""

    @property
    def others(self) -> Sequence[str]:
        """Names of tensors in memory that are none of the model's."""

    def run(self, inputs: Sequence[Array]) -> Pass:
        """Compute one vector.

        Args:
            inputs: in the model's order.
        """

    def close(self) -> None: ...

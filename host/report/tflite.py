"""What a verdict on the NPU says of TFLite: the second comparison, beside the one with the executor."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from host.errors import NightjarError

_SHOWN = 3  # layers that a message names


@dataclass(frozen=True)
class TfliteLayer:
    """A tensor of the model on the NPU beside TFLite's, over all vectors, on the NPU's own inputs.

    Attributes:
        op: its index in the .tflite; `name` of its kind.
        tensor: its name in the NPU's memory.
        epoch: that finishes it.
        steps: the largest difference.
        budget: what the bundle lets it differ by, in steps.
        cause: why it differs; "" where it does not.
    """

    op: int
    name: str
    tensor: str
    epoch: int | None
    steps: int
    budget: int
    cause: str

    @property
    def beyond(self) -> bool:
        """Whether it differs by more than its budget."""
        return self.steps > self.budget


@dataclass(frozen=True)
class TfliteVerdict:
    """The NPU beside TFLite. It is computed from the executor's tensors, which the board's have been found equal to.

    Attributes:
        reference: TFLite, by its version.
        statement: how the network is known for that of the model.
        layers: those of the model that lie in the NPU's memory, in its order.
        unseen: ops whose tensors do not, not even with a later one.
        remark: why the bundle's budgets count for nothing here; "" where they count, or there are none.
    """

    reference: str
    statement: str
    layers: tuple[TfliteLayer, ...]
    unseen: tuple[int, ...]
    remark: str = ""

    @property
    def beyond(self) -> tuple[TfliteLayer, ...]:
        """The layers beyond their budgets, the farthest first."""
        found = [layer for layer in self.layers if layer.beyond]
        return tuple(sorted(found, key=lambda layer: layer.budget - layer.steps))

    @property
    def failure(self) -> "NightjarError | None":
        """What the verdict fails by, though every tensor is the executor's."""
        from host.errors import RegressionFailure

        beyond = self.beyond
        if not beyond:
            return None
        named = "; ".join(map(_told, beyond[:_SHOWN]))
        more = f", and {len(beyond) - _SHOWN} more" if len(beyond) > _SHOWN else ""
        return RegressionFailure(
            f"{len(beyond)} of {len(self.layers)} layers are farther from TFLite than their budgets: {named}{more}",
            evidence=f"every tensor of the board is the executor's; of the first: {beyond[0].cause}"
            + (f"; {self.remark}" if self.remark else ""),
            next_step="`nightjar npu` says why; `nightjar npu --budget NEW_BUNDLE` writes what the NPU's arithmetic "
            "explains into a bundle, `nightjar lint` says what to change",
        )

    def lines(self) -> Iterator[str]:
        """What is said to people."""
        equal = sum(not layer.steps for layer in self.layers)
        within = sum(0 < layer.steps <= layer.budget for layer in self.layers)
        counts = [f"{equal} of {len(self.layers)} layers equal"]
        counts += [f"{within} within the budget"] if within else []
        counts += [f"{len(self.beyond)} beyond the budget"]
        counts += [f"{len(self.unseen)} ops not seen"] if self.unseen else []
        yield f"to TFLite, from the executor's tensors, which are the board's: {', '.join(counts)}"
        yield from (f"  beyond the budget: {_told(layer)}" for layer in self.beyond)
        if self.remark:
            yield f"  {self.remark}"


def _told(layer: TfliteLayer) -> str:
    epoch = "" if layer.epoch is None else f" (epoch {layer.epoch}, {layer.tensor})"
    return f"op {layer.op}, {layer.name}{epoch} by {layer.steps} steps of {layer.budget}"

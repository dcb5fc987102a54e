"""By how many steps tensors differ."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model_gen.codegen.tflite.graph import Array


@dataclass(frozen=True)
class Steps:
    """How often two tensors are equal, a step apart, and more.

    Attributes:
        elements: how many were compared; 0: none were.
        equal, one, more: of them.
        largest: the largest distance.
        vector, index: where it is first, by vector and index [batch, ...]; None where all are
            equal.
        got, want: what stands there: of the NPU, and of the reference.
    """

    elements: int = 0
    equal: int = 0
    one: int = 0
    more: int = 0
    largest: int = 0
    vector: int | None = None
    index: tuple[int, ...] | None = None
    got: float | None = None
    want: float | None = None

    def __add__(self, other: "Steps") -> "Steps":
        worst = other if other.largest > self.largest else self
        return Steps(
            self.elements + other.elements,
            self.equal + other.equal,
            self.one + other.one,
            self.more + other.more,
            worst.largest,
            worst.vector,
            worst.index,
            worst.got,
            worst.want,
        )


def distance(got: Array, want: Array, unit: float | None = None) -> npt.NDArray[np.int64]:
    """|got - want| in steps, elementwise.

    Args:
        got, want: of one shape and type.
        unit: of floats, what a step is; None: they are equal, or a step apart.
    """
    if got.dtype.kind != "f":
        return np.abs(got.astype(np.int64) - want.astype(np.int64))
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    apart = np.abs(got.astype(np.float64) - want.astype(np.float64)) / (unit or np.inf)
    steps = np.where(np.isfinite(apart), np.ceil(np.round(apart, 3)), 2**31)
    return np.where(same, 0, np.maximum(steps, 1)).astype(np.int64)


def measure(got: Array, want: Array, vector: int, unit: float | None = None) -> Steps:
    """The steps between two tensors of one vector."""
    apart = distance(got, want, unit)
    if not apart.size:
        return Steps()
    largest = int(apart.max())
    equal, one = int((apart == 0).sum()), int((apart == 1).sum())
    if not largest:
        return Steps(apart.size, equal)
    at = int(apart.argmax())
    index = tuple(int(i) for i in np.unravel_index(at, apart.shape))
    return Steps(
        *(apart.size, equal, one, apart.size - equal - one, largest, vector, index),
        got=_number(got[index]),
        want=_number(want[index]),
    )


def _number(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None

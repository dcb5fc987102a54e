"""For tests: ops with drawn shapes, attributes and quantizations, as hypothesis draws and shrinks them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st

from model_gen.codegen.testing.models import builder

Shape = tuple[int, ...]
Options = Mapping[str, Mapping[str, Any]]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Case:
    """One op: its operands in order (None for one left out), its outputs, its option table, its version."""

    op: str
    operands: tuple[Any, ...]
    outputs: tuple[Any, ...]
    options: Options | None = None
    version: int = 1


def model_of(cases: Sequence[Case]) -> bytes:
    """One model of all cases side by side; op `i` is case `i`."""
    tensors: list[Any] = []
    ops: list[Any] = []
    for case in cases:
        places: list[int] = []
        for operand in case.operands:
            # An operand twice is one tensor that the op reads twice.
            twin = next(
                (i for i, o in enumerate(case.operands[: len(places)]) if o is operand), None
            )
            if operand is None:
                places.append(-1)
            elif twin is not None:
                places.append(places[twin])
            else:
                places.append(len(tensors))
                tensors.append(operand)
        outputs = list(range(len(tensors), len(tensors) + len(case.outputs)))
        tensors += case.outputs
        ops.append((case.op, places, outputs, case.options, case.version))
    return bytes(builder().model(ops, tensors))


class Drawn:
    """Draws what a case is made of; contents come from one drawn seed, so that they do not slow the shrinking."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 1 << 16)))

    def one(self, *choices: _T) -> _T:
        """One of them; the first is the simplest."""
        return self._draw(st.sampled_from(choices))

    def between(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def order(self, count: int) -> list[int]:
        """The numbers from 0 in any order."""
        return self._draw(st.permutations(range(count)))

    def some(self, count: int, least: int = 1) -> list[int]:
        """Different numbers below `count`, in any order."""
        return self.order(count)[: self.between(least, count)]

    def signed(self, axis: int, rank: int) -> int:
        """The same axis, counted from the front or from the end."""
        return axis - self.one(0, rank)

    def shape(self, low: int, high: int) -> Shape:
        rank = self.between(low, high)
        return tuple(self.between(1, 6 if rank < 5 else 3) for _ in range(rank))

    def scale(self) -> float:
        return float(np.float32(10 ** self.rng.uniform(-3, 0)))

    def tensor(self, shape: Shape, like: Any = None) -> Any:
        """int8, computed; quantized as `like` where given."""
        if like is not None:
            return builder().Tensor(shape, like.scale, like.zero_point)
        zero = self.one(0, -128, 127, 5, -77)
        return builder().Tensor(shape, self.scale(), zero)

    def known(self, shape: Shape, like: Any = None) -> Any:
        """int8, constant."""
        tensor = self.tensor(shape, like)
        data = self.rng.integers(-128, 128, shape).astype(np.int8)
        return builder().Tensor(shape, tensor.scale, tensor.zero_point, data=data)

    def weights(self, shape: Shape, axis: int) -> Any:
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        if self.one(False, True):
            scales = 10 ** self.rng.uniform(-4, -1, shape[axis])
            return builder().Tensor(shape, scales, data=data, axis=axis)
        return builder().Tensor(shape, self.scale() / 10, data=data)

    def constant(self, values: Any, *dtypes: str) -> Any:
        """Integers, of one of the types where several are named."""
        dtype = self.one(*dtypes) if dtypes else "int32"
        data = np.array(values, dtype)
        return builder().Tensor(data.shape, data=data, dtype=dtype)

    def bias(self, channels: int) -> Any:
        spread = 10 ** self.rng.uniform(0, 5)
        return self.constant(self.rng.standard_normal(channels) * spread)

    def activation(self) -> int:
        """NONE, RELU, RELU_N1_TO_1, RELU6."""
        return self.one(0, 1, 2, 3)

"""One op with real inputs, as float64 is asked about it."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from model_gen.codegen.tflite.graph import Array, Op
from model_gen.codegen.tflite.options import Options

Real = npt.NDArray[np.float64]
_O = TypeVar("_O", bound=Options)


@dataclass(frozen=True)
class Call:
    """An op with its inputs as real numbers, indices as they are; `places`: flat ones of its output that are asked."""

    op: Op
    inputs: tuple[Array, ...]  # those that are given, in order
    shape: tuple[int, ...]  # of the output
    places: npt.NDArray[np.int64]
    output: int = 0  # which of the op's outputs

    def options(self, kind: type[_O]) -> _O:
        """The op's options, of this kind because the reader chose it by the op's name."""
        assert isinstance(self.op.options, kind)
        return self.op.options

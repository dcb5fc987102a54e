"""What is known of a model's inputs before any is tried."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from host.bundle import Subject

Array = npt.NDArray[Any]
_MOST_PATTERNS = 8
# A reference converts x / scale to int32 and only then to int8: what does not fit it is undefined.
_FARTHEST = 2.0**24  # steps of a float input from zero


@dataclass(frozen=True, eq=False)
class Space:
    """One input: real = scale * (step - zero_point), of a float one as its QUANTIZE says.

    patterns: bool [*shape] each, where the weights of an output channel of the first layer are
    positive: the largest steps there and the smallest elsewhere give the largest sums.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int
    patterns: tuple[npt.NDArray[np.bool_], ...]

    def cast(self, steps: npt.NDArray[np.float64]) -> Array:
        """The input at these steps from the zero point, float64 [*shape]; saturated."""
        if self.whole:
            low, high = self._limits
            whole = np.clip(np.rint(steps) + self.zero_point, low, high)
            return np.asarray(whole, self.dtype)
        values = np.clip(steps, -_FARTHEST, _FARTHEST) * self.scale
        return np.asarray(values, dtype=self.dtype)

    def steps(self, values: Array) -> npt.NDArray[np.float64]:
        """The inverse of `cast`, where nothing was saturated or rounded."""
        if self.whole:
            return values.astype(np.float64) - self.zero_point
        return values.astype(np.float64) / self.scale

    @property
    def whole(self) -> bool:
        """Whether its values are steps: int8 or uint8."""
        return self.dtype in (np.int8, np.uint8)

    @property
    def lowest(self) -> float:
        """Steps from the zero point to the smallest step."""
        return float(self._limits[0] - self.zero_point)

    @property
    def highest(self) -> float:
        """Steps from the zero point to the largest step."""
        return float(self._limits[1] - self.zero_point)

    @property
    def _limits(self) -> tuple[int, int]:
        """The smallest and the largest step; those of a float input are its QUANTIZE's, int8."""
        return (0, 255) if self.dtype == np.uint8 else (-128, 127)


def spaces_of(subject: Subject) -> tuple[Space, ...]:
    """Of each input of the model, in order.

    Raises:
        BadInput: the model cannot be read.
    """
    from model_gen.codegen.tflite.reader import read_tflite

    graph = read_tflite(subject.model)
    found = []
    for index in graph.inputs:
        tensor = graph.tensors[index]
        quantized = index
        for op in graph.ops:
            if op.name == "QUANTIZE" and op.inputs[0] == index:
                quantized = op.outputs[0]
        own = quantized if tensor.dtype == "float32" else index
        known = graph.tensors[own].quantization
        scale, zero = (1.0, 0) if known is None else (known.scales[0], known.zero_points[0])
        patterns = [
            _tiled(op.name, graph.tensors[op.inputs[1]].value, tensor.shape)
            for op in graph.ops
            if op.name in _WEIGHTED and op.inputs[0] in (index, quantized)
        ]
        flat = tuple(one for some in patterns for one in some)
        found.append(Space(tensor.shape, np.dtype(tensor.dtype), scale, zero, flat))
    return tuple(found)


_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def _tiled(op: str, weights: Array | None, shape: tuple[int, ...]) -> list[npt.NDArray[np.bool_]]:
    """Signs of the weights of some output channels, repeated over the whole input."""
    if weights is None:
        return []
    if op == "FULLY_CONNECTED":
        rows = weights.reshape(len(weights), -1) > 0
        fits = int(np.prod(shape)) % rows.shape[1] == 0
        tiles = (np.resize(rows[i], shape) for i in _spread(len(rows))) if fits else iter(())
        return list(tiles)
    if len(shape) != 4:
        return []
    if op == "DEPTHWISE_CONV_2D":  # [1, rows, columns, channels]: each window has all channels
        return list(_windows([weights[0] > 0], shape))
    return list(_windows([weights[i] > 0 for i in _spread(len(weights))], shape))


def _windows(
    filters: list[npt.NDArray[np.bool_]], shape: tuple[int, ...]
) -> Iterator[npt.NDArray[np.bool_]]:
    for window in filters:
        rows, columns = (np.arange(shape[i]) % window.shape[i - 1] for i in (1, 2))
        channels = np.arange(shape[3]) % window.shape[2]
        yield np.broadcast_to(window[np.ix_(rows, columns, channels)], shape)


def _spread(count: int) -> list[int]:
    """A few of `count`, evenly."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, _MOST_PATTERNS))})

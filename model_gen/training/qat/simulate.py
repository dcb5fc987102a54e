"""The int8 model that the converter makes of a Keras model, as a differentiable function of that model's variables.

The graph is the converter's own: the calibrated .tflite, op by op. Each tensor that is int8 in the converted model is
rounded and cut off to that model's scale and zero point; kernels are symmetric to +-127 steps a channel, biases are in
int32 steps; what the converter fused, folded, tied or put between is so here. Sums are in float32, where int8 kernels
sum exactly; what TFLite rounds twice is rounded twice, since all that this shifts it shifts one way.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from host.errors import HostFailure
from model_gen.codegen.tflite.graph import Graph, Op
from model_gen.codegen.tflite.reader import read_tflite
from model_gen.quantization.ranges.own import Owned
from model_gen.quantization.ranges.steps import MOST_BIAS
from model_gen.training.qat import fake
from model_gen.training.qat.constants import constants_of
from model_gen.training.qat.ops import KERNELS, OPS, aligned, ends

# Whose results are rounded twice; those of FULLY_CONNECTED are once.
SHIFTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "MUL", "MEAN")


@dataclass(frozen=True)
class Pair:
    """An op of the float graph, and the one of the int8 graph that became of it."""

    float_op: Op
    int8_op: Op


def pairs(graph: Graph, made: Graph) -> tuple[Pair, ...]:
    """The ops of both graphs, one by one; QUANTIZE ops of the int8 graph lie between them.

    Raises:
        HostFailure: the graphs are of different ops.
    """
    others = [op for op in made.ops if op.name != "QUANTIZE"]
    if [op.name for op in graph.ops] != [op.name for op in others]:
        raise HostFailure(
            "the int8 model has other ops than the float model",
            evidence=f"{[op.name for op in others]} of {[op.name for op in graph.ops]}",
            next_step="use --qat-mode shadow, and report it",
        )
    unknown = sorted({op.name for op in graph.ops} - set(OPS))
    if unknown:
        raise HostFailure(
            "quantization-aware training cannot simulate every op of this model",
            evidence=f"it has {', '.join(unknown)}",
            next_step="use --qat-mode shadow",
        )
    return tuple(Pair(*both) for both in zip(graph.ops, others, strict=True))


class Simulation:
    """A function of windows float32 [n, rows, frames, 1] to the int8 model's logits, float32 [n, labels].

    `steps` [points, 2] are the scales and zero points, one a point where something becomes int8. They are those of
    the last `take`; the rest follows the Keras model's variables.
    """

    def __init__(self, model: Any, owned: Owned) -> None:
        self._graph, made = read_tflite(owned.calibrated), read_tflite(owned.int8)
        self._pairs = pairs(self._graph, made)
        self._shape = _shape_of(self._graph, made)
        self.constants = constants_of(self._graph, model)
        self._points = {point: row for row, point in enumerate(_points(self._pairs))}
        self.steps = tf.Variable(self._steps(made), trainable=False, name="steps")

    def take(self, owned: Owned) -> bool:
        """Take the scales of another conversion; False where it is of another graph, and nothing is taken."""
        graph, made = read_tflite(owned.calibrated), read_tflite(owned.int8)
        if _shape_of(graph, made) != self._shape:
            return False
        self.steps.assign(self._steps(made))
        return True

    @property
    def reached(self) -> set[int]:
        """The ids of the variables that the logits are a function of."""
        return self.constants.reached

    def __call__(self, windows: Any) -> Any:
        """The logits, after every rounding of the int8 model."""
        values = self.tensors(windows)
        return values[self._graph.outputs[0]]

    def tensors(self, windows: Any) -> dict[int, Any]:
        """Tensor index of the calibrated graph -> value [n, ...], of every activation."""
        (first,) = self._graph.inputs
        values = {first: self._rounded(windows, ("input", 0, 0))}
        for op in self._graph.ops:
            values[op.outputs[0]] = self.one(op, values)
        return values

    def one(self, op: Op, values: dict[int, Any]) -> Any:
        """The result of an op of the calibrated graph, of values in steps of int8."""
        shape, sums = self._graph.tensors[op.outputs[0]].shape, None
        scale = self._step(("in", op.index, 0))[0]  # of what is summed, a number or one a channel
        if op.name in KERNELS:
            kernel, of_kernel = self.kernel(op)
            given, sums = [self._operand(op, 0, values), kernel], self._bias(op)
            scale *= of_kernel
        else:
            given = [self._operand(op, position, values) for position in range(len(op.inputs))]
        if op.name == "MUL":
            scale *= self._step(("in", op.index, 1))[0]
        result = OPS[op.name](op, given, shape)
        if sums is not None:
            result = result + fake.bias(sums, scale)
        out = self._step(("out", op.index, 0))
        shift = None
        if op.name in SHIFTED:
            shift = fake.right_shift(scale / out[0], self._averaged(op))
        return fake.activation(result, out, shift, ends(op))

    def kernel(self, op: Op) -> tuple[Any, Any]:
        """The kernel of one of KERNELS as int8 holds it, and the scales of its channels [n]."""
        layer, bias = self.constants.kernels.get(op.index), self._bias(op)
        value = self._graph.tensors[op.inputs[1]].value if layer is None else layer.kernel()
        most = self._step(("in", op.index, 0))[0] * MOST_BIAS
        least = 0.0 if bias is None else tf.abs(bias) / most
        return fake.kernel(tf.convert_to_tensor(value), KERNELS[op.name], least)

    def _bias(self, op: Op) -> Any:
        """[n], or None; also a layer's bias of 0, which the converter drops, as a step may move it."""
        layer = self.constants.biases.get(op.index)
        if layer is not None and layer.bias is not None:
            return layer.bias()
        there = len(op.inputs) > 2 and op.inputs[2] >= 0
        return tf.constant(self._graph.tensors[op.inputs[2]].value) if there else None

    def _averaged(self, op: Op) -> int:
        """How many values a value of a result is the mean of."""
        if op.name != "MEAN":
            return 1
        given, made = (self._graph.tensors[i].shape for i in (op.inputs[0], op.outputs[0]))
        return math.prod(given) // math.prod(made)

    def _operand(self, op: Op, position: int, values: dict[int, Any]) -> Any:
        index = op.inputs[position]
        if index < 0:
            return None
        if index in values:  # rounded again where the converter put a QUANTIZE between
            value = self._rounded(values[index], ("in", op.index, position), unless=index)
            return aligned(value, len(self._graph.tensors[op.outputs[0]].shape), op)
        constant = self._graph.tensors[index].value
        if constant is not None and constant.dtype == np.float32:
            return self._rounded(tf.constant(constant), ("in", op.index, position))
        return constant

    def _step(self, point: tuple[str, int, int]) -> Any:
        return self.steps[self._points[point]]

    def _rounded(self, x: Any, point: tuple[str, int, int], unless: int | None = None) -> Any:
        if unless is not None and not self._between(point, unless):
            return x
        return fake.activation(x, self._step(point))

    def _between(self, point: tuple[str, int, int], index: int) -> bool:
        """Whether an operand has another tensor in the int8 graph than its producer's result."""
        _, number, position = point
        pair = self._pairs[number]
        made = {one.int8_op.outputs[0] for one in self._pairs if one.float_op.outputs[0] == index}
        return bool(made) and pair.int8_op.inputs[position] not in made

    def _steps(self, made: Graph) -> np.ndarray[Any, Any]:
        """Scale and zero point at each point, float32 [points, 2]."""
        rows = []
        for kind, number, position in self._points:
            if kind == "input":
                tensor = made.tensors[made.inputs[0]]
            else:
                op = self._pairs[number].int8_op
                tensor = made.tensors[(op.inputs if kind == "in" else op.outputs)[position]]
            found = tensor.quantization
            rows.append((1.0, 0.0) if found is None else (found.scales[0], found.zero_points[0]))
        return np.array(rows, np.float32)


def _points(ops: Sequence[Pair]) -> list[tuple[str, int, int]]:
    """Where something may become int8: the input, each operand that is no kernel, each result."""
    found = [("input", 0, 0)]
    for pair in ops:
        op = pair.float_op
        of_kernel = (1, 2) if op.name in KERNELS else ()
        found += [("in", op.index, i) for i in range(len(op.inputs)) if i not in of_kernel]
        found.append(("out", op.index, 0))
    return found


def _shape_of(graph: Graph, made: Graph) -> tuple[Any, ...]:
    """All of both graphs that is no number: also where QUANTIZE lies in the int8 one, for it rounds once more."""
    return (
        [(op.name, op.options, op.inputs, op.outputs) for op in graph.ops],
        [(op.name, op.inputs, op.outputs) for op in made.ops],
    )

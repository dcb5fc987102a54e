"""Which constants of a converted graph are kernels and biases of a Keras model, folded."""

from dataclasses import dataclass
from typing import Any

from model_gen.codegen.tflite.graph import Graph
from model_gen.training.qat.folded import Folded, bits_of, folded_layers
from model_gen.training.qat.ops import KERNELS


@dataclass(frozen=True)
class Constants:
    """Index of an op of the calibrated graph -> the layer whose kernel, or bias, its constant is, to the bit.

    Among the biases are those of 0, which the converter drops: such an op has no constant of it.
    """

    kernels: dict[int, Folded]
    biases: dict[int, Folded]

    @property
    def reached(self) -> set[int]:
        """The ids of the variables that they are functions of."""
        kernels = {id(v) for one in self.kernels.values() for v in one.of_kernel}
        return kernels | {id(v) for one in self.biases.values() for v in one.of_bias}


def constants_of(graph: Graph, model: Any) -> Constants:
    """What is found of the model's layers; a constant without a match is of none."""
    by_bits = {bits_of(layer.kernel()): layer for layer in reversed(list(folded_layers(model)))}
    found = Constants({}, {})
    for op in graph.ops:
        if op.name not in KERNELS:
            continue
        kernel, *bias = (None if i < 0 else graph.tensors[i].value for i in op.inputs[1:])
        layer = None if kernel is None else by_bits.get(bits_of(kernel))
        if layer is None:
            continue
        found.kernels[op.index] = layer
        if layer.is_bias(bias[0] if bias else None):
            found.biases[op.index] = layer
    return found

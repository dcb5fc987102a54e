"""Which constants of a converted graph are kernels and biases of a Keras model, folded."""

from dataclasses import dataclass
from typing import Any

from model_gen.codegen.tflite.graph import Graph
from model_gen.training.qat.folded import Folded, bits_of, folded_layers
from model_gen.training.qat.ops import KERNELS


@dataclass(frozen=True)
class Constants:
    """Index of an op of the calibrated graph -> the layer whose kernel, or bias, its constant is, to the bit."""

    kernels: dict[int, Folded]
    biases: dict[int, Folded]

    @property
    def reached(self) -> set[int]:
        """The ids of the variables that they are functions of."""
        found = (*self.kernels.values(), *self.biases.values())
        return {id(variable) for one in found for variable in one.variables}


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
        if bias and bias[0] is not None and layer.is_bias(bias[0]):
            found.biases[op.index] = layer
    return found

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
    """What is found of the model's layers; a constant without a match is of none.

    Where several layers have a kernel of the same bits, an op is of the one with its bias, and else of
    the first that no op before it is of: both have the order of the model.
    """
    by_bits: dict[Any, list[Folded]] = {}
    for layer in folded_layers(model):
        by_bits.setdefault(bits_of(layer.kernel()), []).append(layer)
    found = Constants({}, {})
    for op in graph.ops:
        if op.name not in KERNELS:
            continue
        kernel, *biases = (None if i < 0 else graph.tensors[i].value for i in op.inputs[1:])
        bias = biases[0] if biases else None
        equal = [] if kernel is None else by_bits.get(bits_of(kernel), [])
        if not equal:
            continue
        taken = {one.layer for one in found.kernels.values()}
        free = [one for one in equal if one.layer not in taken] + equal
        layer = next((one for one in free if one.is_bias(bias)), free[0])
        found.kernels[op.index] = layer
        if layer.is_bias(bias):
            found.biases[op.index] = layer
    return found

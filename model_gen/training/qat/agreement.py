"""How far a simulation is the int8 model that it simulates."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from host.reference.frontend import quantize
from host.reference.model import ReferenceModel
from model_gen.codegen.tflite.reader import read_tflite
from model_gen.quantization.ranges.own import Owned
from model_gen.training.qat.ops import KERNELS
from model_gen.training.qat.simulate import Simulation, pairs

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ByLayer:
    """Values of all layers' results, each layer given the int8 model's own inputs; how many differ.

    values: compared. unequal: not the same step. far: more than one step apart.
    """

    values: int
    unequal: int
    far: int


def by_layer(simulation: Simulation, owned: Owned, windows: Iterable[Floats]) -> ByLayer:
    """Over windows float32 [rows, frames], beside TFLite's reference kernels."""
    graph, made = read_tflite(owned.calibrated), read_tflite(owned.int8)
    reference = ReferenceModel(owned.int8)
    (end,) = reference.inputs
    values = unequal = far = 0
    for window in windows:
        held = quantize(window, end.scale, end.zero_point).reshape(end.shape)
        found = {end.tensor: held, **reference.run([held])}
        real = {
            index: (found[index].astype(np.float32) - q.zero_points[0]) * np.float32(q.scales[0])
            for index in found
            if (q := made.tensors[index].quantization) is not None
        }
        for pair in pairs(graph, made):
            op, inputs = pair.float_op, pair.int8_op.inputs
            given = {a: real[b] for a, b in zip(op.inputs, inputs, strict=True) if b in real}
            out = pair.int8_op.outputs[0]
            scale = _scale(made, out)
            apart = np.abs(np.asarray(simulation.one(op, given)) - real[out]) / scale
            values += apart.size
            unequal += int((apart > 0.5).sum())
            far += int((apart > 1.5).sum())
    return ByLayer(values, unequal, far)


def differing_kernels(simulation: Simulation, owned: Owned) -> list[str]:
    """The layers whose kernels are not the int8 model's, to the bit: steps of each channel, and scales."""
    made, found = read_tflite(owned.int8), []
    for pair in pairs(read_tflite(owned.calibrated), made):
        op = pair.float_op
        layer = simulation.constants.kernels.get(op.index)
        if layer is None:
            continue
        tensor, axis = made.tensors[pair.int8_op.inputs[1]], KERNELS[op.name]
        rounded, scales = (np.asarray(v) for v in simulation.kernel(op))
        wide = np.reshape(scales, [-1 if i == axis else 1 for i in range(rounded.ndim)])
        assert tensor.quantization is not None
        assert tensor.value is not None
        same = np.array_equal(scales, np.array(tensor.quantization.scales, np.float32))
        if not same or not np.array_equal(np.round(rounded / wide), tensor.value):
            found.append(layer.layer)
    return found


def _scale(made: Any, index: int) -> float:
    quantization = made.tensors[index].quantization
    return 1.0 if quantization is None else float(quantization.scales[0])

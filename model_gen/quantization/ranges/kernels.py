"""The scales of an int8 model's kernels held against the weights that they are of."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from host.errors import HostFailure
from model_gen.codegen.tflite.graph import Graph, Op
from model_gen.quantization.ranges.steps import MOST_BIAS, kernel_scales

KERNELS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def check_kernels(pairs: Iterable[tuple[Op, Op]], graph: Graph, made: Graph) -> int:
    """Hold the scales of each kernel of a calibrated graph against its weights; how many kernels were held.

    A channel whose bias would have more than MOST_BIAS steps has larger ones. `pairs`: ops of both graphs.

    Raises:
        HostFailure: the converter did something else.
    """
    held = 0
    for before, after in pairs:
        if before.name not in KERNELS or before.inputs[1] < 0:
            continue
        weights = graph.tensors[before.inputs[1]].value
        kernel, source = (made.tensors[i].quantization for i in (after.inputs[1], after.inputs[0]))
        if weights is None or weights.dtype != np.float32 or kernel is None or source is None:
            continue
        found = np.array(kernel.scales, np.float32)
        own = _scales(weights, kernel.axis, len(found))
        least = _least(before, graph, len(found)) / (np.float64(source.scales[0]) * MOST_BIAS)
        grown = (found > own) & np.isclose(found, least, rtol=1e-5, atol=0)
        wrong = np.flatnonzero((found != own) & ~grown)
        if len(wrong):
            first = int(wrong[0])
            raise HostFailure(
                "TensorFlow's converter gave a kernel other steps than its weights have",
                evidence=f"{graph.tensors[before.inputs[1]].name}: scale {found[first]:g} of channel {first}; "
                f"expected {own[first]:g}",
                next_step="use --ranges converter, and report it with the version of TensorFlow",
            )
        held += 1
    return held


def _scales(weights: npt.NDArray[np.float32], axis: int, count: int) -> npt.NDArray[np.float32]:
    """Of each index of `axis`, or one of all."""
    if count == 1:
        return kernel_scales(weights.reshape(1, -1), 0)
    return kernel_scales(weights, axis)


def _least(op: Op, graph: Graph, count: int) -> npt.NDArray[np.float64]:
    """Magnitude of the bias of each channel, or the largest for one scale of all."""
    there = len(op.inputs) > 2 and op.inputs[2] >= 0
    value = graph.tensors[op.inputs[2]].value if there else None
    if value is None:
        return np.zeros(count)
    magnitude = np.abs(value.astype(np.float64)).ravel()
    return magnitude if len(magnitude) == count else magnitude.max(keepdims=True)

"""Activations that a .tflite fuses into an op: free where int8 saturates at the same place.

An upper end inside int8, of RELU6, is a clip behind the last step: three layers of a compiled
network have it. A lower end inside int8 was never seen.
"""

from dataclasses import dataclass

from host.npu.compiler.constant import UNKNOWN, Constant
from model_gen.codegen.tflite.options import (
    ElementwiseOptions,
    FullyConnectedOptions,
    WindowOptions,
)
from model_gen.codegen.tflite.view import View


@dataclass(frozen=True)
class _Range:
    low: float
    high: float


_RANGES = {
    "NONE": _Range(float("-inf"), float("inf")),
    "RELU": _Range(0.0, float("inf")),
    "RELU6": _Range(0.0, 6.0),
    "RELU_N1_TO_1": _Range(-1.0, 1.0),
}


def activation(view: View) -> tuple[tuple[int, int], tuple[Constant, ...]]:
    """The steps to which the op's output is clipped, and a constant where that is not free.

    Raises:
        BadInput: an activation that is no clipping.
    """
    options = view.op.options
    assert isinstance(options, WindowOptions | FullyConnectedOptions | ElementwiseOptions)
    if options.activation not in _RANGES:
        raise view.refuse(f"it has the activation {options.activation}")
    real = _RANGES[options.activation]
    scale, zero = view.scale_and_zero(view.output)
    low = max(-128, round(real.low / scale) + zero) if real.low > float("-inf") else -128
    high = min(127, round(real.high / scale) + zero) if real.high < float("inf") else 127
    if (low, high) == (-128, 127):
        return (low, high), ()
    if low == -128:
        return (low, high), (Constant("activation", (low, high)),)
    why = f"{options.activation} ends at {low} and {high}, not where int8 does"
    return (low, high), (Constant("activation", (low, high), UNKNOWN, why),)

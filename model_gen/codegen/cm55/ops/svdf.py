"""SVDF with int8 ends: filters whose last results, int16, are weighted over time.

Both references round twice here, clamp to int8 and leave RELU to the output's zero point.
"""

import numpy as np

from model_gen.codegen.cm55.ops.common import requant_of, requant_struct
from model_gen.codegen.cm55.ops.registry import (
    Constants,
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    register,
)
from model_gen.codegen.tflite.graph import Shape, Tensor
from model_gen.codegen.tflite.options import SvdfOptions
from model_gen.codegen.tflite.view import View

_INPUT, _FEATURES, _TIME, _BIAS, _STATE = range(5)
_INT16 = (
    "convert the float model again with TFLite's own converter, whose int8 SVDF keeps its memory and its weights over "
    "time in int16; int8 there is tflite-micro's alone"
)


def _shape(view: View) -> Shape:
    given, features, time = (view.input(i).shape for i in (_INPUT, _FEATURES, _TIME))
    rank = view.options(SvdfOptions).rank
    if not (len(given) == len(features) == len(time) == 2) or rank < 1 or features[0] % rank:
        raise view.refuse(f"its input, weights and rank {rank} do not fit each other")
    if given[1] != features[1] or features[0] != time[0]:
        raise view.refuse(f"weights {list(features)} and {list(time)} for an input {list(given)}")
    return given[0], features[0] // rank


def _scale(view: View, tensor: Tensor, dtype: str) -> np.float32:
    """The single scale of a tensor that is symmetric around 0."""
    quantization = tensor.quantization
    if tensor.dtype != dtype or quantization is None or len(quantization.scales) != 1:
        step = _INT16 if (dtype, tensor.dtype) == ("int16", "int8") else None
        raise view.refuse(f"{tensor.describe()} is not {dtype} of one scale", next_step=step)
    if quantization.zero_points[0] != 0 or quantization.scales[0] <= 0:
        raise view.refuse(f"{tensor.describe()} has a zero point, or no scale")
    return np.float32(quantization.scales[0])


def _lower(view: View) -> Kernel:
    if view.options(SvdfOptions).activation != "RELU":
        raise view.refuse(
            "the references compute int8 SVDF with the activation RELU only",
            next_step="train the layer with RELU",
        )
    state, memory = view.input(_STATE), view.input(_TIME).shape[1]
    if state.index not in view.graph.kept:
        raise view.refuse(f"{state.describe()} is no memory of its own")
    features, time = view.constant(_FEATURES), view.constant(_TIME)
    filters, inputs = features.shape
    batches, units = view.output.shape
    if state.elements != batches * filters * memory or min(memory, units) < 1:
        raise view.refuse(f"{state.describe()} does not hold {memory} results of {filters} filters")
    source, zero_point = view.scale_and_zero(view.input(_INPUT))
    target, output_zero_point = view.scale_and_zero(view.output)
    held = _scale(view, state, "int16")
    # TFLite computes the ratios in float32, tflite-micro in double.
    real = np.float64 if view.rounding == "tflm" else np.float32
    first = real(source) * real(_scale(view, view.input(_FEATURES), "int8")) / real(held)
    second = real(held) * real(_scale(view, view.input(_TIME), "int16")) / real(target)
    bias = np.zeros(units, np.int32)
    if view.optional(_BIAS) is not None:
        bias = view.constant(_BIAS)
        if bias.dtype != np.int32 or bias.size != units:
            raise view.refuse(f"the bias must be int32 [{units}]")
    sums = features.astype(np.int64).sum(1)
    return Kernel(
        "nj_svdf_s8",
        Parameters(
            "nj_svdf",
            (
                ("batches", batches),
                ("inputs", inputs),
                ("filters", filters),
                ("rank", view.options(SvdfOptions).rank),
                ("memory", memory),
                ("output_zero_point", output_zero_point),
                ("feature_requant", requant_struct(requant_of(view, float(first)))),
                ("output_requant", requant_struct(requant_of(view, float(second)))),
                ("feature_weights", Constants("int8_t", features)),
                ("feature_bias", Constants("int32_t", (-zero_point * sums).astype(np.int32))),
                ("time_weights", Constants("int16_t", time)),
                ("bias", Constants("int32_t", bias.ravel())),
            ),
        ),
        (ParametersPointer(), InputPointer(_INPUT), InputPointer(_STATE), OutputPointer()),
        macs=batches * filters * (inputs + memory),
        rule="double",
    )


register("SVDF", Rule(_shape, _lower))

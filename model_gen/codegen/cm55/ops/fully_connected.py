"""FULLY_CONNECTED: the input's last dimensions flattened to rows of `inputs`."""

import numpy as np

from model_gen.codegen.cm55.ops import packing
from model_gen.codegen.cm55.ops.common import folded_bias, fused_range, quantized_weights, requants
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
from model_gen.codegen.cm55.ops.rounding import c_enum, rule_of
from model_gen.codegen.cm55.ops.thresholds import as_single
from model_gen.codegen.tflite.graph import Array, Shape
from model_gen.codegen.tflite.options import FullyConnectedOptions
from model_gen.codegen.tflite.view import View


def _sizes(view: View) -> tuple[int, int, int]:
    """(batches, inputs, outputs)."""
    weights = view.input(1)
    if len(weights.shape) != 2 or weights.elements == 0:
        raise view.refuse(f"the weights {weights.describe()} are not [outputs, inputs]")
    if view.options(FullyConnectedOptions).weights_format != 0:
        raise view.refuse("shuffled weights are not taken")
    outputs, inputs = weights.shape
    batches, rest = divmod(view.input(0).elements, inputs)
    if rest:
        raise view.refuse(f"the input is not a multiple of {inputs} elements")
    return batches, inputs, outputs


def _shape(view: View) -> Shape:
    batches, inputs, outputs = _sizes(view)
    shape = view.input(0).shape
    if view.options(FullyConnectedOptions).keep_num_dims:
        if not shape or shape[-1] != inputs:
            raise view.refuse(f"keep_num_dims needs a last dimension of {inputs}")
        return (*shape[:-1], outputs)
    return (batches, outputs)


def _check_bias_scale(view: View, product: float, output: float) -> None:
    """A bias of another unit than the sums is refused. Formula: GetQuantizedConvolutionMultipler of
    kernels/kernel_util.cc."""
    bias = view.optional(2)
    if bias is None:
        return
    scale = bias.quantization.scales[0] if bias.quantization else 0.0
    if abs(product - scale) / output > 0.02:
        raise view.refuse(
            f"the bias has the scale {scale:g}, where input and weights have {product:g}"
        )


def _real_scales(reals: list[float], outputs: int) -> Constants:
    """double [outputs] for the rule that scales in IEEE double; one stands for all."""
    return Constants("double", np.broadcast_to(np.array(reals, np.float64), (outputs,)))


def _lower(view: View) -> Kernel:
    batches, inputs, outputs = _sizes(view)
    weights, scales, weights_zero = quantized_weights(view, 1, 0, outputs)
    input_scale, input_zero = view.scale_and_zero(view.input(0))
    output_scale, output_zero = view.scale_and_zero(view.output)
    # Measured: double throughout, for one scale as for one a channel.
    reals = [input_scale * scale / output_scale for scale in scales]
    low, high = fused_range(view, view.options(FullyConnectedOptions).activation)
    rule = rule_of(view.op.name, view.rounding)
    sums = weights.sum(axis=1, dtype=np.int64) - inputs * weights_zero
    bias = folded_bias(view, 2, sums, input_zero)
    if len(scales) == 1:
        _check_bias_scale(view, input_scale * scales[0], output_scale)
    requant = requants(view, reals, outputs)
    packed_rule: str | None = rule
    pairs: Array | None = requant.values
    if rule == "real":
        reach = np.abs(weights.astype(np.int64)).sum(axis=1) * 128 + np.abs(
            bias.values.astype(np.int64)
        )
        scales_of = np.broadcast_to(np.array(reals, np.float64), (outputs,))
        clamp = low - output_zero, high - output_zero
        pairs = as_single(requant.values, scales_of, reach, clamp)
        packed_rule = None if pairs is None else "single"
    if (
        weights_zero == 0
        and packed_rule is not None
        and pairs is not None
        and pairs[:, 1].max() <= 0
    ):
        return Kernel(
            "nj_fully_connected_packed_s8",
            Parameters(
                "nj_packed_fully_connected",
                (
                    ("batches", batches),
                    ("inputs", inputs),
                    ("outputs", outputs),
                    ("output_zero_point", output_zero),
                    ("activation_min", low),
                    ("activation_max", high),
                    ("rounding", c_enum(packed_rule)),
                    ("weights", packing.dense_weights(weights)),
                    ("requant", packing.dense_requants(bias.values, pairs)),
                ),
            ),
            (ParametersPointer(), InputPointer(0), OutputPointer()),
            macs=batches * inputs * outputs,
            rule=rule,
            reads_behind=packing.READS_BEHIND,
        )
    return Kernel(
        "nj_fully_connected_s8",
        Parameters(
            "nj_fully_connected",
            (
                ("batches", batches),
                ("inputs", inputs),
                ("outputs", outputs),
                ("output_zero_point", output_zero),
                ("activation_min", low),
                ("activation_max", high),
                ("rounding", c_enum(rule)),
                ("weights", Constants("int8_t", weights)),
                ("bias", bias),
                ("requant", requant if rule != "real" else "0"),
                ("scale", _real_scales(reals, outputs) if rule == "real" else "0"),
                ("weights_zero_point", weights_zero),
            ),
        ),
        (ParametersPointer(), InputPointer(0), OutputPointer()),
        macs=batches * inputs * outputs,
        rule=rule,
    )


register("FULLY_CONNECTED", Rule(_shape, _lower))

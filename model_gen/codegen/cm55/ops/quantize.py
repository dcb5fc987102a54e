"""QUANTIZE (float32 to int8 or uint8, and between these) and DEQUANTIZE (int8 or uint8 to float32)."""

import math

import numpy as np

from model_gen.codegen.cm55.ops.common import requant_of
from model_gen.codegen.cm55.ops.lookup import STEPS, table_kernel
from model_gen.codegen.cm55.ops.registry import InputPointer, Kernel, OutputPointer, Rule, register
from model_gen.codegen.cm55.ops.rounding import rule_of
from model_gen.codegen.cm55.quantized_math import round_half_away, scale
from model_gen.codegen.tflite.graph import Shape, Tensor
from model_gen.codegen.tflite.view import View


def _same_shape(view: View) -> Shape:
    return view.input(0).shape


def _float_text(value: float) -> str:
    """A float32 as a C literal that keeps every bit."""
    return f"{value.hex()}f"


def _elu(x: np.float32) -> np.float32:
    """Formula: Elu of reference/elu.h."""
    return np.float32(math.expm1(float(x))) if x < 0 else x


_BETWEEN = {"ELU": _elu}


def _between(view: View, name: str) -> Kernel:
    """DEQUANTIZE, a function of floats and QUANTIZE as one table, every operation rounded to float32."""
    if view.rounding == "tflite":
        raise view.refuse(
            f"TensorFlow Lite's reference kernels do not have the {name} before it",
            next_step="judge the rules of tflite-micro, with --rounding tflm",
        )
    in_scale, in_zero = view.scale_and_zero(view.input(0))
    out_scale, out_zero = view.scale_and_zero(view.output)
    with np.errstate(all="ignore"):
        reals = np.float32(in_scale) * (STEPS - in_zero).astype(np.float32)
        scaled = [float(_BETWEEN[name](real) / np.float32(out_scale)) for real in reals]
    if not all(abs(y) < 1 << 30 for y in scaled):
        raise view.refuse(f"the output's scale {out_scale:g} is too small")
    return table_kernel(view, np.array([round_half_away(y) + out_zero for y in scaled], np.int64))


def _quantize(view: View) -> Kernel:
    if view.between is not None:
        return _between(view, view.between)
    source = view.input(0)
    if source.dtype != "float32":
        return _requantize(view)
    if view.output.dtype == "uint8" and view.rounding == "tflm":
        raise view.refuse(
            "tflite-micro's kernel quantizes floats to int8, not to uint8",
            next_step="judge the rules of TensorFlow Lite, with --rounding tflite; or re-export the model with "
            "inference_input_type int8 or float32",
        )
    return _of_floats(view, "nj_quantize_f32_{}8", view.output)


def _of_floats(view: View, name: str, steps: Tensor) -> Kernel:
    """A conversion between floats and `steps`, int8 or uint8, as {} in the kernel's name says."""
    scale_, zero_point = view.scale_and_zero(steps, _byte_type(steps.dtype).name)
    return Kernel(
        name.format("u" if steps.dtype == "uint8" else "s"),
        None,
        (
            InputPointer(0),
            OutputPointer(),
            str(view.output.elements),
            _float_text(scale_),
            str(zero_point),
        ),
    )


def _requantize(view: View) -> Kernel:
    """Formula: kernels/quantize.cc and reference/requantize.h; the scales' ratio is taken in double.

    A table of bytes serves both types: a kernel of int8 reads the uint8 steps 128 to 255 as -128 to -1.
    """
    if view.input(0).dtype == view.output.dtype == "uint8":
        raise view.refuse("uint8 is taken at the ends of an int8 network, not within")
    read, written = (_byte_type(tensor.dtype) for tensor in (view.input(0), view.output))
    in_scale, in_zero = view.scale_and_zero(view.input(0), read.name)
    out_scale, out_zero = view.scale_and_zero(view.output, written.name)
    rule = rule_of(view.op.name, view.rounding)
    pair = requant_of(view, in_scale / out_scale)
    steps = STEPS.astype(read).astype(np.int64)
    limits = np.iinfo(written)
    found = np.clip(scale(steps - in_zero, *pair, rule) + out_zero, limits.min, limits.max)
    return table_kernel(view, found.astype(written).view(np.int8).astype(np.int64), rule)


def _byte_type(dtype: str) -> np.dtype[np.int8] | np.dtype[np.uint8]:
    """int8, which refuses every other type by name, unless it is uint8."""
    return np.dtype(np.uint8) if dtype == "uint8" else np.dtype(np.int8)


def _dequantize(view: View) -> Kernel:
    if view.output.dtype != "float32":
        raise view.refuse(f"DEQUANTIZE gives float32, not {view.output.dtype}")
    return _of_floats(view, "nj_dequantize_{}8_f32", view.input(0))


register("QUANTIZE", Rule(_same_shape, _quantize))
register("DEQUANTIZE", Rule(_same_shape, _dequantize))

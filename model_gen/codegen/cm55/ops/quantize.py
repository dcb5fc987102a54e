"""QUANTIZE (float32 or int8 to int8) and DEQUANTIZE (int8 to float32)."""

from model_gen.codegen.cm55.ops.common import requant_of
from model_gen.codegen.cm55.ops.lookup import STEPS, table_kernel
from model_gen.codegen.cm55.ops.registry import InputPointer, Kernel, OutputPointer, Rule, register
from model_gen.codegen.cm55.ops.rounding import rule_of
from model_gen.codegen.cm55.quantized_math import scale
from model_gen.codegen.tflite.graph import Shape
from model_gen.codegen.tflite.view import View


def _same_shape(view: View) -> Shape:
    return view.input(0).shape


def _float_text(value: float) -> str:
    """A float32 as a C literal that keeps every bit."""
    return f"{value.hex()}f"


def _quantize(view: View) -> Kernel:
    out_scale, out_zero = view.scale_and_zero(view.output)
    source = view.input(0)
    if source.dtype == "float32":
        return Kernel(
            "nj_quantize_f32_s8",
            None,
            (
                InputPointer(0),
                OutputPointer(),
                str(view.output.elements),
                _float_text(out_scale),
                str(out_zero),
            ),
        )
    # Formula: kernels/quantize.cc and reference/requantize.h; the scales' ratio is taken in double.
    in_scale, in_zero = view.scale_and_zero(source)
    rule = rule_of(view.op.name, view.rounding)
    pair = requant_of(view, in_scale / out_scale)
    return table_kernel(view, scale(STEPS - in_zero, *pair, rule) + out_zero, rule)


def _dequantize(view: View) -> Kernel:
    in_scale, in_zero = view.scale_and_zero(view.input(0))
    if view.output.dtype != "float32":
        raise view.refuse(f"DEQUANTIZE gives float32, not {view.output.dtype}")
    return Kernel(
        "nj_dequantize_s8_f32",
        None,
        (
            InputPointer(0),
            OutputPointer(),
            str(view.output.elements),
            _float_text(in_scale),
            str(in_zero),
        ),
    )


register("QUANTIZE", Rule(_same_shape, _quantize))
register("DEQUANTIZE", Rule(_same_shape, _dequantize))

"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from model_gen.codegen.cm55.ops.common import (
    batched,
    fused_range,
    image,
    image_struct,
    per_image,
    window_output,
    window_struct,
)
from model_gen.codegen.cm55.ops.registry import (
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    register,
)
from model_gen.codegen.tflite.graph import Shape
from model_gen.codegen.tflite.options import WindowOptions
from model_gen.codegen.tflite.view import View


def _shape(view: View) -> Shape:
    options = view.options(WindowOptions)
    batch, height, width, channels = batched(view, view.input(0))
    return (batch, *window_output(view, options, (height, width), options.filter), channels)


def _lower(view: View) -> Kernel:
    options = view.options(WindowOptions)
    source, target = image(view, view.input(0)), image(view, view.output)
    scale, zero_point = view.scale_and_zero(view.input(0))
    out_scale, out_zero_point = view.scale_and_zero(view.output)
    if abs(scale - out_scale) > 1e-6 or zero_point != out_zero_point:
        raise view.refuse("input and output of a pool must share scale and zero point")
    low, high = fused_range(view, options.activation)
    return Kernel(
        f"nj_{view.op.name.lower()}_s8",
        Parameters(
            "nj_pool",
            (
                ("input", image_struct(source)),
                ("output", image_struct(target)),
                ("window", window_struct(options, source[:2], target[:2], options.filter)),
                ("activation_min", low),
                ("activation_max", high),
            ),
        ),
        (ParametersPointer(), InputPointer(0), OutputPointer()),
    )


for _name in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
    register(_name, Rule(_shape, per_image(_lower)))

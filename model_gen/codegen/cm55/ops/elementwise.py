"""ADD, SUB and MUL with broadcast, MAXIMUM, MINIMUM and PRELU; on constant integers they are shape arithmetic."""

import numpy as np

from model_gen.codegen.cm55.ops.common import (
    fused_range,
    linear_channels_kernel,
    requant_of,
    requant_struct,
    strides,
)
from model_gen.codegen.cm55.ops.linear import linear_channels, linear_form
from model_gen.codegen.cm55.ops.registry import (
    Field,
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    register,
)
from model_gen.codegen.cm55.ops.rounding import c_enum, rule_of
from model_gen.codegen.cm55.quantized_math import INT8_MAX, INT8_MIN, scale
from model_gen.codegen.tflite.graph import Array, Shape
from model_gen.codegen.tflite.options import ElementwiseOptions
from model_gen.codegen.tflite.view import View

LEFT_SHIFT = 20  # of int8 ADD and SUB: headroom for the rescaled inputs
SQUARE_SHIFT = 7  # of SQUARED_DIFFERENCE: its square stays within int32
# Over which the reference broadcasts; of MAXIMUM and MINIMUM more would end its process.
_MOST_DIMENSIONS = {"MAXIMUM": 5, "MINIMUM": 5, "PRELU": 4, "SQUARED_DIFFERENCE": 4, "DIV": 5}
_FOLDS = {"ADD": np.add, "SUB": np.subtract, "MUL": np.multiply}


def broadcast_shape(view: View) -> Shape:
    try:
        return tuple(np.broadcast_shapes(view.input(0).shape, view.input(1).shape))
    except ValueError:
        raise view.refuse("the inputs' shapes do not broadcast") from None


def _fold(view: View) -> Array | None:
    a, b = view.input(0).value, view.input(1).value
    if a is None or b is None or a.dtype.kind != "i" or a.dtype.itemsize < 4:
        return None
    if view.options(ElementwiseOptions).activation != "NONE":
        return None
    result: Array = _FOLDS[view.op.name](a, b)
    return result


def _broadcast_strides(shape: Shape, out: Shape) -> tuple[int, ...]:
    """Strides of an input of `shape` walked along `out`: 0 where it repeats."""
    full = (1,) * (len(out) - len(shape)) + shape
    return tuple(
        0 if size == 1 and wanted != 1 else step
        for size, wanted, step in zip(full, out, strides(full), strict=True)
    )


def walk(view: View) -> tuple[tuple[str, Field], ...]:
    """Shape and strides of struct nj_elementwise, with as long an innermost row as there is: neighbours that both
    inputs walk as one become one."""
    out = view.output.shape
    shapes = view.input(0).shape, view.input(1).shape
    most = _MOST_DIMENSIONS.get(view.op.name, 6)
    if shapes[0] != shapes[1] and len(out) > most:
        raise view.refuse(
            f"TensorFlow Lite broadcasts {view.op.name} over {most} dimensions at most"
        )
    one, two = (_broadcast_strides(shape, out) for shape in shapes)
    merged: list[tuple[int, int, int]] = []
    for size, stride1, stride2 in zip(reversed(out), reversed(one), reversed(two), strict=True):
        if size == 1:
            continue
        inner = merged[-1] if merged else None
        if inner and stride1 == inner[0] * inner[1] and stride2 == inner[0] * inner[2]:
            merged[-1] = (inner[0] * size, inner[1], inner[2])
        else:
            merged.append((size, stride1, stride2))
    if len(merged) > 4:
        raise view.refuse("the inputs broadcast in turns over more than 4 dimensions")
    merged += [(1, 0, 0)] * (4 - len(merged))
    shape, walk1, walk2 = zip(*reversed(merged), strict=True)
    return (("shape", shape), ("stride1", walk1), ("stride2", walk2))


def _rescales(view: View) -> list[tuple[int, int]]:
    """Multipliers of input 1, input 2 and output; (0, 0) where MUL has none."""
    scale1, _ = view.scale_and_zero(view.input(0))
    scale2, _ = view.scale_and_zero(view.input(1))
    out, _ = view.scale_and_zero(view.output)
    if view.op.name == "MUL":
        if view.rounding == "tflite":
            # Formula: kernels/mul.cc, whose scales are float32 until the quotient is widened.
            with np.errstate(all="ignore"):  # beyond float32 it is infinite, and refused
                real = float(np.float32(scale1) * np.float32(scale2) / np.float32(out))
        else:
            # Formula: micro/kernels/mul_common.cc, in double.
            real = scale1 * scale2 / out
        return [(0, 0), (0, 0), requant_of(view, real)]
    # Formula: kernels/add.cc and sub.cc.
    twice = 2.0 * max(scale1, scale2)
    output = requant_of(view, twice / ((1 << LEFT_SHIFT) * out))
    if (
        output[1] > 0
    ):  # TFLite's ADD aborts the process then, and its SUB shifts by a negative number
        raise view.refuse(f"the output's scale {out:g} is too small for inputs of {twice / 2:g}")
    return [requant_of(view, scale1 / twice), requant_of(view, scale2 / twice), output]


def _linear(view: View, rule: str, low: int, high: int) -> Kernel | None:
    """The same ADD or SUB as a linear form, where one gives the same steps for every pair of steps."""
    form = linear_form(
        _pairs(view, rule, np.arange(-128, 128), np.arange(-128, 128)), _ratios(view), low, high
    )
    if form is None:
        return None
    return Kernel(
        "nj_linear_sum_s8",
        Parameters(
            "nj_linear_sum",
            (
                ("factor1", form.factors[0]),
                ("factor2", form.factors[1]),
                ("offset", form.offset),
                ("shift", form.shift),
                ("activation_min", low),
                ("activation_max", high),
            ),
        ),
        (
            ParametersPointer(),
            InputPointer(0),
            InputPointer(1),
            OutputPointer(),
            str(view.output.elements),
        ),
        rule=rule,
        in_place=(0, 1),
    )


def _ratios(view: View) -> tuple[float, float]:
    """What a step of each input is in steps of the output."""
    out, _ = view.scale_and_zero(view.output)
    sign = -1.0 if view.op.name == "SUB" else 1.0
    return (
        view.scale_and_zero(view.input(0))[0] / out,
        sign * view.scale_and_zero(view.input(1))[0] / out,
    )


def _pairs(view: View, rule: str, one: Array, two: Array) -> Array:
    """int64 [one, two]: what the reference gives for each pair of steps, before the activation's clamp."""
    rescales = _rescales(view)
    values = [
        steps.astype(np.int64) - view.scale_and_zero(view.input(i))[1]
        for i, steps in enumerate((one, two))
    ]
    if view.op.name == "MUL":
        total = values[0][:, None] * values[1][None, :]
    else:
        scaled = [
            scale(value << LEFT_SHIFT, *pair, rule)
            for value, pair in zip(values, rescales, strict=False)
        ]
        sign = -1 if view.op.name == "SUB" else 1
        total = scaled[0][:, None] + sign * scaled[1][None, :]
    return scale(total, *rescales[2], rule) + view.scale_and_zero(view.output)[1]


def _with_constant(view: View, rule: str, low: int, high: int) -> Kernel | None:
    """One input constant, of one step or one a channel: a linear form of each channel, where there is one."""
    for position, other in ((0, 1), (1, 0)):
        constant, tensor = view.input(other), view.input(position)
        channels = view.output.shape[-1] if view.output.shape else 1
        if (
            constant.value is None
            or tensor.value is not None
            or tensor.shape != view.output.shape
            or constant.elements not in (1, channels)
            or (constant.elements > 1 and constant.shape[-1:] != (channels,))
        ):
            continue
        steps = np.broadcast_to(constant.value.ravel(), (channels,))
        known, which = np.unique(steps, return_inverse=True)
        every = np.arange(-128, 128)
        pairs = (every, known) if position == 0 else (known, every)
        table = _pairs(view, rule, *pairs)
        columns = table.T if position == 0 else table
        if view.op.name == "MUL":
            slopes = (known - view.scale_and_zero(constant)[1]) * (
                view.scale_and_zero(tensor)[0]
                * view.scale_and_zero(constant)[0]
                / view.scale_and_zero(view.output)[0]
            )
        else:
            slopes = np.full(len(known), _ratios(view)[position])
        forms = linear_channels(list(columns), [float(s) for s in slopes], low, high)
        if forms is None:
            return None
        numbers = [forms[i] for i in which.ravel()]
        return linear_channels_kernel(view, position, numbers, (low, high), rule)
    return None


def _lower(view: View) -> Kernel:
    a, b = view.input(0), view.input(1)
    rescales = _rescales(view)
    low, high = fused_range(view, view.options(ElementwiseOptions).activation)
    rule = rule_of(view.op.name, view.rounding)
    known = _with_constant(view, rule, low, high)
    if known is not None:
        return known
    if view.op.name != "MUL" and a.shape == b.shape:
        linear = _linear(view, rule, low, high)
        if linear is not None:
            return linear
    fields: tuple[tuple[str, Field], ...] = (
        *walk(view),
        ("zero_point1", view.scale_and_zero(a)[1]),
        ("zero_point2", view.scale_and_zero(b)[1]),
        ("output_zero_point", view.scale_and_zero(view.output)[1]),
        ("left_shift", 0 if view.op.name == "MUL" else LEFT_SHIFT),
        ("requant1", requant_struct(rescales[0])),
        ("requant2", requant_struct(rescales[1])),
        ("output_requant", requant_struct(rescales[2])),
        ("activation_min", low),
        ("activation_max", high),
        ("rounding", c_enum(rule)),
    )
    return Kernel(
        f"nj_{view.op.name.lower()}_s8",
        Parameters("nj_elementwise", fields),
        (ParametersPointer(), InputPointer(0), InputPointer(1), OutputPointer()),
        rule=rule,
        in_place=tuple(i for i in (0, 1) if view.input(i).shape == view.output.shape),
    )


def _extreme(view: View) -> Kernel:
    """MAXIMUM and MINIMUM compare steps, whatever their scales: so does the reference."""
    a, b = view.input(0), view.input(1)
    for tensor in (a, b, view.output):
        view.quantization(tensor)
    return Kernel(
        f"nj_{view.op.name.lower()}_s8",
        Parameters("nj_elementwise", walk(view)),
        (ParametersPointer(), InputPointer(0), InputPointer(1), OutputPointer()),
        in_place=tuple(i for i in (0, 1) if view.input(i).shape == view.output.shape),
    )


def _squared_difference(view: View) -> Kernel:
    """Formula: SquaredDifference of kernels/squared_difference.cc."""
    a, b = view.input(0), view.input(1)
    scale1, zero1 = view.scale_and_zero(a)
    scale2, zero2 = view.scale_and_zero(b)
    out, out_zero = view.scale_and_zero(view.output)
    twice = 2.0 * max(scale1, scale2)
    rule = rule_of(view.op.name, view.rounding)
    real = twice * twice / float(np.float32(1 << (2 * SQUARE_SHIFT)) * np.float32(out))
    fields: tuple[tuple[str, Field], ...] = (
        *walk(view),
        ("zero_point1", zero1),
        ("zero_point2", zero2),
        ("output_zero_point", out_zero),
        ("left_shift", SQUARE_SHIFT),
        ("requant1", requant_struct(requant_of(view, scale1 / twice))),
        ("requant2", requant_struct(requant_of(view, scale2 / twice))),
        ("output_requant", requant_struct(requant_of(view, real))),
        ("activation_min", INT8_MIN),
        ("activation_max", INT8_MAX),
        ("rounding", c_enum(rule)),
    )
    return Kernel(
        "nj_squared_difference_s8",
        Parameters("nj_elementwise", fields),
        (ParametersPointer(), InputPointer(0), InputPointer(1), OutputPointer()),
        rule=rule,
        in_place=tuple(i for i in (0, 1) if view.input(i).shape == view.output.shape),
    )


def _prelu(view: View) -> Kernel:
    """Formula: BroadcastPrelu4DSlow of reference/prelu.h; kernels/activations.cc scales in float32."""
    source, alpha = view.input(0), view.input(1)
    if view.output.shape != source.shape:
        raise view.refuse("alpha does not broadcast to the input's shape")
    scale1, zero1 = view.scale_and_zero(source)
    scale2, zero2 = view.scale_and_zero(alpha)
    out, out_zero = view.scale_and_zero(view.output)
    if view.rounding == "tflite":
        positive = float(np.float32(scale1) / np.float32(out))
        negative = float(np.float32(scale1) * np.float32(scale2) / np.float32(out))
    else:
        positive, negative = scale1 / out, scale1 * scale2 / out
    rule = rule_of(view.op.name, view.rounding)
    fields: tuple[tuple[str, Field], ...] = (
        *walk(view),
        ("zero_point1", zero1),
        ("zero_point2", zero2),
        ("output_zero_point", out_zero),
        ("requant1", requant_struct(requant_of(view, positive))),
        ("output_requant", requant_struct(requant_of(view, negative))),
        ("rounding", c_enum(rule)),
    )
    return Kernel(
        "nj_prelu_s8",
        Parameters("nj_elementwise", fields),
        (ParametersPointer(), InputPointer(0), InputPointer(1), OutputPointer()),
        rule=rule,
        in_place=(0,),
    )


register("SQUARED_DIFFERENCE", Rule(broadcast_shape, _squared_difference))
register("PRELU", Rule(broadcast_shape, _prelu))
for _name in ("MAXIMUM", "MINIMUM"):
    register(_name, Rule(broadcast_shape, _extreme))
for _name in _FOLDS:
    register(_name, Rule(broadcast_shape, _lower, _fold))

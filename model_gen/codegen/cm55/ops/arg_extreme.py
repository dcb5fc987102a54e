"""ARG_MAX and ARG_MIN over a constant axis, to int32 or int64."""

from math import prod

from model_gen.codegen.cm55.ops.common import refuse_micro
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
from model_gen.codegen.tflite.view import View

_WORDS = {"int32": 1, "int64": 2}  # of 4 bytes


def _axis(view: View) -> int:
    given = view.integers(1)
    if len(given) != 1:
        raise view.refuse(f"the axis must be one number, not {list(given)}")
    return view.axis(given[0], len(view.input(0).shape))


def _shape(view: View) -> Shape:
    axis, shape = _axis(view), view.input(0).shape
    return shape[:axis] + shape[axis + 1 :]


def _lower(view: View) -> Kernel:
    """Formula: ArgMinMax of reference/arg_min_max.h: the first of equal steps."""
    axis, shape = _axis(view), view.input(0).shape
    view.quantization(view.input(0))
    if shape[axis] < 1:
        raise view.refuse("nothing lies along the axis")
    words = _WORDS.get(view.output.dtype)
    if words is None:
        raise view.refuse(f"an index is int32 or int64, not {view.output.dtype}")
    if words == 2 or view.input(1).dtype != "int32":
        refuse_micro(view, "with int64")
    return Kernel(
        f"nj_{view.op.name.lower()}_s8",
        Parameters(
            "nj_arg",
            (
                ("outer", prod(shape[:axis])),
                ("size", shape[axis]),
                ("inner", prod(shape[axis + 1 :])),
                ("words", words),
            ),
        ),
        (ParametersPointer(), InputPointer(0), OutputPointer()),
    )


for _name in ("ARG_MAX", "ARG_MIN"):
    register(_name, Rule(_shape, _lower))

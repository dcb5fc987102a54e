"""CONCATENATION of int8 tensors of equal quantization; of constants it is folded."""

import numpy as np

from model_gen.codegen.cm55.ops.registry import (
    Constants,
    InputPointers,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    register,
)
from model_gen.codegen.tflite.graph import Array, Shape
from model_gen.codegen.tflite.options import ConcatenationOptions
from model_gen.codegen.tflite.view import View


def _axis(view: View) -> int:
    return view.axis(view.options(ConcatenationOptions).axis, len(view.input(0).shape))


def _shape(view: View) -> Shape:
    axis = _axis(view)
    shapes = [view.input(i).shape for i in range(len(view.inputs))]
    first = shapes[0]
    if any(s[:axis] + s[axis + 1 :] != first[:axis] + first[axis + 1 :] for s in shapes):
        raise view.refuse("the inputs' shapes differ beside the axis")
    if any(len(s) != len(first) for s in shapes):
        raise view.refuse("the inputs differ in rank")
    return (*first[:axis], sum(s[axis] for s in shapes), *first[axis + 1 :])


def _fold(view: View) -> Array | None:
    values = [tensor.value for tensor in view.inputs if tensor is not None]
    known = [value for value in values if value is not None]
    return np.concatenate(known, _axis(view)) if len(known) == len(view.inputs) else None


def _lower(view: View) -> Kernel:
    if view.options(ConcatenationOptions).activation != "NONE":
        raise view.refuse("a fused activation has no kernel")
    return joined(view, _axis(view))


def joined(view: View, axis: int) -> Kernel:
    """All inputs one behind the other, from output dimension `axis` on."""
    out = view.scale_and_zero(view.output)
    tensors = [view.input(i) for i in range(len(view.inputs))]
    if any(view.scale_and_zero(tensor) != out for tensor in tensors):
        raise view.refuse("all inputs and the output must share scale and zero point")
    outer = int(np.prod(view.output.shape[:axis], dtype=np.int64))
    lengths = np.array([tensor.elements // max(outer, 1) for tensor in tensors], np.int32)
    return Kernel(
        "nj_concatenation_s8",
        Parameters(
            "nj_concatenation",
            (
                ("count", len(tensors)),
                ("outer", outer),
                ("lengths", Constants("int32_t", lengths)),
            ),
        ),
        (ParametersPointer(), InputPointers(), OutputPointer()),
    )


register("CONCATENATION", Rule(_shape, _lower, _fold))

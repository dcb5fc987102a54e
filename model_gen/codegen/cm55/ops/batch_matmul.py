"""BATCH_MATMUL of two tensors, with broadcast over the dimensions before the matrices."""

import numpy as np

from model_gen.codegen.cm55.ops.common import requant_of, requant_struct, strides
from model_gen.codegen.cm55.ops.registry import (
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    ScratchPointer,
    register,
)
from model_gen.codegen.cm55.ops.rounding import c_enum, rule_of
from model_gen.codegen.tflite.graph import Shape
from model_gen.codegen.tflite.options import BatchMatmulOptions
from model_gen.codegen.tflite.view import View

_BATCHES = 3  # dimensions before the matrices
_DEEPEST = 1 << 15  # (127 + 128)^2 times as many stay within int32


def _matrices(view: View) -> tuple[int, int, int]:
    """(rows, columns, depth)."""
    one, two = view.input(0).shape, view.input(1).shape
    if not 2 <= min(len(one), len(two)) <= max(len(one), len(two)) <= _BATCHES + 2:
        raise view.refuse(
            f"matrices of {list(one)} and {list(two)}, of which 2 to 5 dimensions are taken"
        )
    options = view.options(BatchMatmulOptions)
    rows, depth = reversed(one[-2:]) if options.turned_1 else one[-2:]
    depth_2, columns = reversed(two[-2:]) if options.turned_2 else two[-2:]
    if depth != depth_2 or not 0 < depth <= _DEEPEST:
        raise view.refuse(f"matrices of {list(one)} and {list(two)} do not multiply")
    return rows, columns, depth


def _outer(view: View) -> Shape:
    try:
        return tuple(np.broadcast_shapes(view.input(0).shape[:-2], view.input(1).shape[:-2]))
    except ValueError:
        raise view.refuse("the batches do not broadcast") from None


def _shape(view: View) -> Shape:
    return (*_outer(view), *_matrices(view)[:2])


def _walk(shape: Shape, outer: Shape) -> tuple[int, ...]:
    """Strides over the three dimensions of the batches: 0 where a matrix repeats."""
    full = (1,) * (_BATCHES + 2 - len(shape)) + shape
    wanted = (1,) * (_BATCHES - len(outer)) + outer
    steps = strides(full)[:_BATCHES]
    return tuple(0 if n == 1 != m else s for n, m, s in zip(full, wanted, steps, strict=False))


def _lower(view: View) -> Kernel:
    """Formula: BatchMatMul of reference/batch_matmul.h; kernels/kernel_util.cc multiplies the scales in float32."""
    rows, columns, depth = _matrices(view)
    outer = _outer(view)
    scale1, zero1 = view.scale_and_zero(view.input(0))
    scale2, zero2 = view.scale_and_zero(view.input(1))
    out, out_zero = view.scale_and_zero(view.output)
    options, rule = view.options(BatchMatmulOptions), rule_of(view.op.name, view.rounding)
    real = float(np.float32(scale1) * np.float32(scale2)) / out
    turned = (columns * depth if not options.turned_2 else 0) + (
        rows * depth if options.turned_1 else 0
    )
    return Kernel(
        "nj_batch_matmul_s8",
        Parameters(
            "nj_batch_matmul",
            (
                ("batches", (1,) * (_BATCHES - len(outer)) + outer),
                ("stride1", _walk(view.input(0).shape, outer)),
                ("stride2", _walk(view.input(1).shape, outer)),
                ("rows", rows),
                ("columns", columns),
                ("depth", depth),
                ("turn1", int(options.turned_1)),
                ("turn2", int(not options.turned_2)),
                ("zero_point1", zero1),
                ("zero_point2", zero2),
                ("output_zero_point", out_zero),
                ("requant", requant_struct(requant_of(view, real))),
                ("rounding", c_enum(rule)),
            ),
        ),
        (ParametersPointer(), InputPointer(0), InputPointer(1), OutputPointer(), ScratchPointer()),
        macs=view.output.elements * depth,
        rule=rule,
        scratch=4 * columns + turned,
    )


register("BATCH_MATMUL", Rule(_shape, _lower))

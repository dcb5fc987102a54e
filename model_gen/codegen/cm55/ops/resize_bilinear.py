"""RESIZE_BILINEAR to a constant size: each output lies between two rows and two columns, with weights of 1/1024."""

import numpy as np

from model_gen.codegen.cm55.ops.gather import resize_shape
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
from model_gen.codegen.tflite.options import ResizeOptions
from model_gen.codegen.tflite.view import View

_BITS = 10  # of a weight


def _between(view: View, size: int, out: int) -> Constants:
    """int32 [out, 3]: the index before, the index behind, and the weight of the one behind.

    Formula: ResizeBilinearInteger of reference/resize_bilinear.h. At the edges both indices are one, and the weight may
    lie outside [0, 1024].
    """
    options, one = view.options(ResizeOptions), 1 << _BITS
    if options.align_corners and out > 1:
        ratio = (one * (size - 1) + (out - 1) // 2) // (out - 1)
    else:
        ratio = (one * size + out // 2) // out
    place = np.arange(out, dtype=np.int64) * ratio
    if options.half_pixel_centers:
        place += ratio // 2 - one // 2
    before = np.maximum(place // one, 0)
    ceiling = place + one - 1
    behind = np.minimum(np.where(ceiling < 0, 0, ceiling // one), size - 1)
    if before.max() >= size:
        raise view.refuse(f"the reference reads behind the {size} places that it makes {out} of")
    return Constants(
        "int32_t", np.stack([before, behind, place - one * before], 1).astype(np.int32)
    )


def _lower(view: View) -> Kernel:
    source, out = view.input(0).shape, view.output.shape
    options = view.options(ResizeOptions)
    if options.align_corners and options.half_pixel_centers:
        raise view.refuse(
            "corners are aligned and pixels have centers, which the reference refuses"
        )
    if view.scale_and_zero(view.input(0)) != view.scale_and_zero(view.output):
        raise view.refuse("input and output must share scale and zero point")
    return Kernel(
        "nj_resize_bilinear_s8",
        Parameters(
            "nj_resize_bilinear",
            (
                ("images", source[0]),
                ("rows", out[1]),
                ("columns", out[2]),
                ("input_rows", source[1]),
                ("input_columns", source[2]),
                ("channels", source[3]),
                ("row_between", _between(view, source[1], out[1])),
                ("column_between", _between(view, source[2], out[2])),
            ),
        ),
        (ParametersPointer(), InputPointer(0), OutputPointer()),
    )


register("RESIZE_BILINEAR", Rule(resize_shape, _lower))

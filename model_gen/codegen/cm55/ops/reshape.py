"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes under another shape."""

from model_gen.codegen.cm55.ops.registry import Alias, Rule, register
from model_gen.codegen.tflite.graph import Array, Shape
from model_gen.codegen.tflite.options import ReshapeOptions, SqueezeOptions
from model_gen.codegen.tflite.view import View


def _fold(view: View) -> Array | None:
    value = view.input(0).value
    return None if value is None else value.reshape(view.output.shape)


def _lower(view: View) -> Alias:
    return Alias()


def _reshape(view: View) -> Shape:
    elements = view.input(0).elements
    shape = view.optional(1)
    listed = shape is not None and shape.dtype == "int32" and len(shape.shape) == 1
    if shape is not None and (listed or view.rounding == "tflm"):
        wanted = view.integers(1)
    else:
        # What is no list of int32 TFLite does not look at, even where it lies there.
        given = view.options(ReshapeOptions).new_shape
        if given is None and shape is not None:
            raise view.refuse(
                f"TensorFlow Lite does not read the new shape from {shape.describe()}",
                next_step="write the shape as one list of int32, or use --rounding tflm, which goes by the output",
            )
        if given is None:
            raise view.refuse("the new shape is missing")
        wanted = () if given == (0,) else given  # old files say a scalar so
    known = 1
    for size in wanted:
        known *= 1 if size == -1 else size
    if wanted.count(-1) > 1 or any(size < -1 for size in wanted) or len(wanted) > 8:
        raise view.refuse(f"the new shape {list(wanted)} is not one")
    if -1 in wanted and known > 0:
        wanted = tuple(elements // known if size == -1 else size for size in wanted)
        known *= elements // known
    if known != elements:
        raise view.refuse(f"{elements} elements do not fit the new shape {list(wanted)}")
    return wanted


def _squeeze(view: View) -> Shape:
    shape = view.input(0).shape
    axes = {view.axis(a, len(shape)) for a in view.options(SqueezeOptions).dimensions}
    if any(shape[a] != 1 for a in axes):
        raise view.refuse(f"axes {sorted(axes)} of {list(shape)} are not all 1")
    return tuple(
        size for d, size in enumerate(shape) if not (d in axes or (not axes and size == 1))
    )


def _expand_dims(view: View) -> Shape:
    shape = view.input(0).shape
    axes = view.integers(1)
    if len(axes) != 1:
        raise view.refuse("EXPAND_DIMS takes one axis")
    axis = view.axis(axes[0], len(shape) + 1)
    if view.output.dtype == "int8" and view.scale_and_zero(view.input(0)) != view.scale_and_zero(
        view.output
    ):
        raise view.refuse("input and output must share scale and zero point")
    return (*shape[:axis], 1, *shape[axis:])


register("RESHAPE", Rule(_reshape, _lower, _fold))
register("SQUEEZE", Rule(_squeeze, _lower, _fold))
register("EXPAND_DIMS", Rule(_expand_dims, _lower, _fold))

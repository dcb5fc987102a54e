"""SHAPE, PACK, FILL, RANGE, CAST and REDUCE_PROD: constants once the shapes are known; only PACK is also computed on
the board."""

import numpy as np

from model_gen.codegen.cm55.ops.concatenation import joined
from model_gen.codegen.cm55.ops.registry import Kernel, Rule, register
from model_gen.codegen.tflite.graph import ITEM_BYTES, Array, Shape
from model_gen.codegen.tflite.options import AxisOptions, ReducerOptions
from model_gen.codegen.tflite.view import View

_CAST = "iufb"  # kinds of types: integers of either sign, floats, bool
_MAX_FILLED = 1 << 26  # elements of a FILL: a hostile file must not fill the memory


def _dtype(view: View) -> np.dtype[np.generic]:
    if view.output.dtype not in ITEM_BYTES:
        raise view.refuse(f"{view.output.dtype} is not a type that can be folded")
    return np.dtype(view.output.dtype)


def _values(view: View) -> list[Array] | None:
    known = [tensor.value for tensor in view.inputs if tensor is not None]
    values = [value for value in known if value is not None]
    return values if len(values) == len(view.inputs) and values else None


def _shape_shape(view: View) -> Shape:
    return (len(view.input(0).shape),)


def _shape_fold(view: View) -> Array:
    return np.array(view.input(0).shape, _dtype(view))


def _pack_axis(view: View) -> int:
    return view.axis(view.options(AxisOptions).axis, len(view.input(0).shape) + 1)


def _pack_shape(view: View) -> Shape:
    axis, first = _pack_axis(view), view.input(0).shape
    if any(view.input(i).shape != first for i in range(len(view.inputs))):
        raise view.refuse("the inputs differ in shape")
    return (*first[:axis], len(view.inputs), *first[axis:])


def _pack_fold(view: View) -> Array | None:
    values = _values(view)
    return None if values is None else np.stack(values, _pack_axis(view))


def _pack(view: View) -> Kernel:
    """Of int8 tensors that the board computes: each contributes what lies behind the axis."""
    return joined(view, _pack_axis(view))


def _fill_shape(view: View) -> Shape:
    shape = view.integers(0)
    elements = 1
    for size in shape:
        elements *= size
    if len(shape) > 8 or min(shape, default=0) < 0 or elements > _MAX_FILLED:
        raise view.refuse(f"the filled shape {list(shape[:16])} is not one")
    return shape


def _fill_fold(view: View) -> Array | None:
    value = view.input(1).value
    if value is None:
        return None
    if value.size != 1:
        raise view.refuse("the filled value must be one element")
    return np.full(view.output.shape, value.ravel()[0], value.dtype)


def _range(view: View) -> Array:
    """From input 0 to before input 1, in steps of input 2."""
    numbers = [view.integers(i) for i in range(3)]
    if any(len(number) != 1 for number in numbers) or numbers[2] == (0,):
        raise view.refuse("start, limit and delta must be one integer each, delta not 0")
    found = range(numbers[0][0], numbers[1][0], numbers[2][0])
    if len(found) > _MAX_FILLED:
        raise view.refuse(f"a range of {len(found)} numbers is too long")
    return np.array(found, _dtype(view))


def _range_shape(view: View) -> Shape:
    return (len(_range(view)),)


def _cast_shape(view: View) -> Shape:
    return view.input(0).shape


def _cast_fold(view: View) -> Array | None:
    values = _values(view)
    if values is None or values[0].dtype.kind not in _CAST or _dtype(view).kind not in _CAST:
        return None
    limits = np.iinfo(view.output.dtype) if _dtype(view).kind in "iu" else None
    if values[0].dtype.kind == "f" and limits is not None:
        # Others are undefined in C.
        whole = np.trunc(values[0])
        if not np.all((whole >= limits.min) & (whole <= limits.max)):
            raise view.refuse(f"a float outside {_dtype(view)} is cast to it")
    return values[0].astype(_dtype(view))


def _product_axes(view: View) -> tuple[int, ...]:
    rank = len(view.input(0).shape)
    return tuple(sorted({view.axis(axis, rank) for axis in view.integers(1)}))


def _product_shape(view: View) -> Shape:
    axes, keep = _product_axes(view), view.options(ReducerOptions).keep_dims
    return tuple(
        1 if d in axes else n for d, n in enumerate(view.input(0).shape) if keep or d not in axes
    )


def _product_fold(view: View) -> Array | None:
    value = view.input(0).value
    if value is None or value.dtype.kind != "i":
        return None
    keep = view.options(ReducerOptions).keep_dims
    return np.asarray(np.prod(value, _product_axes(view), value.dtype, keepdims=keep))


register("SHAPE", Rule(_shape_shape, fold=_shape_fold))
register("PACK", Rule(_pack_shape, _pack, _pack_fold))
register("FILL", Rule(_fill_shape, fold=_fill_fold))
register("RANGE", Rule(_range_shape, fold=_range))
register("CAST", Rule(_cast_shape, fold=_cast_fold))
register("REDUCE_PROD", Rule(_product_shape, fold=_product_fold))

"""SPLIT, SPLIT_V and UNPACK: each output is a slice of the input along one axis, moved by a step of its own."""

from model_gen.codegen.cm55.ops.movement import move_rule
from model_gen.codegen.cm55.ops.registry import register
from model_gen.codegen.tflite.graph import Array
from model_gen.codegen.tflite.options import AxisOptions, CountOptions
from model_gen.codegen.tflite.view import View


def _axis(view: View, position: int, rank: int) -> int:
    axes = view.integers(position)
    if len(axes) != 1:
        raise view.refuse(f"{view.op.name} takes one axis")
    return view.axis(axes[0], rank)


def _taken(array: Array, axis: int, begin: int, size: int) -> Array:
    index = [slice(None)] * array.ndim
    index[axis] = slice(begin, begin + size)
    part: Array = array[tuple(index)]
    return part


def _same_steps(view: View, source: int) -> None:
    """The reference copies steps and does not look at scales; one that changes them would be another number."""
    given = view.input(source)
    if given.dtype == "int8" and view.scale_and_zero(given) != view.scale_and_zero(view.output):
        raise view.refuse("input and outputs must share scale and zero point")


def _split(view: View, array: Array) -> Array:
    axis, count = _axis(view, 0, array.ndim), len(view.op.outputs)
    if view.options(CountOptions).count != count or array.shape[axis] % count:
        raise view.refuse(f"{array.shape[axis]} does not split into {count} equal outputs")
    _same_steps(view, 1)
    size = array.shape[axis] // count
    return _taken(array, axis, view.position * size, size)


def _split_v(view: View, array: Array) -> Array:
    axis, sizes = _axis(view, 2, array.ndim), list(view.integers(1))
    length = array.shape[axis]
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = length - sum(size for size in sizes if size != -1)
    if len(sizes) != len(view.op.outputs) or min(sizes, default=-1) < 0 or sum(sizes) != length:
        raise view.refuse(f"{length} does not split into {sizes}")
    _same_steps(view, 0)
    return _taken(array, axis, sum(sizes[: view.position]), sizes[view.position])


def _unpack(view: View, array: Array) -> Array:
    axis, count = view.axis(view.options(AxisOptions).axis, array.ndim), len(view.op.outputs)
    if array.shape[axis] != count:
        raise view.refuse(f"{array.shape[axis]} does not unpack into {count} outputs")
    _same_steps(view, 0)
    return _taken(array, axis, view.position, 1).squeeze(axis)


register("SPLIT", move_rule(_split, source_at=1, several=True))
register("SPLIT_V", move_rule(_split_v, several=True))
register("UNPACK", move_rule(_unpack, several=True))

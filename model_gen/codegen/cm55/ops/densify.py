"""DENSIFY of a sparse constant, which the reader has made dense."""

from model_gen.codegen.cm55.ops.common import refuse_micro
from model_gen.codegen.cm55.ops.registry import Rule, register
from model_gen.codegen.tflite.graph import Array, Shape
from model_gen.codegen.tflite.view import View


def _shape(view: View) -> Shape:
    return view.input(0).shape


def _fold(view: View) -> Array | None:
    refuse_micro(view, "at all")
    value = view.input(0).value
    if value is None:
        raise view.refuse("its input is not a sparse constant that can be read")
    if value.dtype.name != view.output.dtype:
        raise view.refuse(f"sparse {value.dtype.name} become {view.output.dtype}")
    return value


register("DENSIFY", Rule(_shape, fold=_fold))

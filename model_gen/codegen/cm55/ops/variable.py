"""READ_VARIABLE and ASSIGN_VARIABLE: copies from and to a tensor that is kept from one inference to the next."""

from model_gen.codegen.cm55.ops.common import copy
from model_gen.codegen.cm55.ops.registry import Kernel, Rule, register
from model_gen.codegen.tflite.graph import Shape
from model_gen.codegen.tflite.variables import ASSIGN, READ
from model_gen.codegen.tflite.view import View


def _read(view: View) -> Shape:
    _check_type(view)
    return view.input(0).shape


def _assign(view: View) -> Shape:
    _check_type(view)
    given, held = view.input(0), view.output
    if given.shape != held.shape:
        raise view.refuse(
            f"it changes the variable '{held.name}' from {list(held.shape)} to {list(given.shape)}"
        )
    return held.shape


def _check_type(view: View) -> None:
    given, made = view.input(0), view.output
    if given.dtype != "int8" or made.dtype != "int8":
        raise view.refuse("backend cm55 keeps int8 variables only")


def _lower(view: View) -> Kernel:
    return copy(view)


register(READ, Rule(_read, _lower))
register(ASSIGN, Rule(_assign, _lower))

"""From a .tflite to the same steps as those of its Keras model: what the engine's generator makes of it."""

from math import prod
from typing import Any

from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.cm55.lower import Program
from model_gen.codegen.cm55.ops.registry import Kernel, Parameters
from model_gen.codegen.tflite.view import View
from model_gen.profile.step import INPUT, Shape, Step
from model_gen.profile.work import Image, Work, rows_of

_ELEMENTWISE = ("nj_add_s8", "nj_sub_s8", "nj_mul_s8", "nj_maximum_s8", "nj_minimum_s8", "nj_prelu_s8")


def tflite_steps(model: bytes, *, rounding: str = "tflite") -> tuple[Step, ...]:
    """The steps of a .tflite, in the order of its ops; what is constant is left out.

    Raises:
        BadInput: the file is not a model, or backend cm55 does not take it.
    """
    return steps_of(plan_model(model, rounding=rounding)[0])


def steps_of(program: Program) -> tuple[Step, ...]:
    """The steps of a lowered model."""
    kernels = {step.view.output.index: step for step in program.steps}
    made: dict[int, int] = {}
    found: list[Step] = []
    for view in program.resolved.views:
        if program.resolved.is_folded(view):
            continue
        lowered = kernels.get(view.output.index)
        inputs = [t for t in view.inputs if t is not None and t.value is None]
        found.append(
            Step(
                name=view.output.name,
                op=view.op.name,
                layers=(view.output.name,),
                inputs=tuple(_unbatched(t.shape) for t in inputs),
                output=_unbatched(view.output.shape),
                reads=tuple(made.get(t.index, INPUT) for t in inputs),
                work=None if lowered is None else work_of(lowered.kernel, lowered.view),
                idle=lowered is None,
                macs=0 if lowered is None else lowered.kernel.macs,
                parameters=sum(t.elements for t in view.inputs if t is not None and t.value is not None)
                if view.op.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
                else 0,
            )
        )
        made[view.output.index] = len(found) - 1
    return tuple(found)


def work_of(kernel: Kernel, view: View) -> Work:
    """What a kernel call walks, from its parameters."""
    name = kernel.function
    given = dict(kernel.parameters.fields) if isinstance(kernel.parameters, Parameters) else {}
    if "window" in given:
        window: dict[str, int] = dict(given["window"])  # type: ignore[arg-type]
        return Work(
            name,
            _image(given["input"]),
            _image(given["output"]),
            (window["height"], window["width"]),
            (window["stride_height"], window["stride_width"]),
            (window["pad_top"], window["pad_left"]),
            bool(given.get("relu")),
        )
    if name.startswith("nj_fully_connected"):
        batches, inputs, outputs = (given[key] for key in ("batches", "inputs", "outputs"))
        return Work(name, (1, batches, inputs), (1, batches, outputs), relu=False)  # type: ignore[arg-type]
    if name == "nj_linear_channels_s8":
        return rows_of(name, given["places"], given["channels"])  # type: ignore[arg-type]
    if name in _ELEMENTWISE:
        return rows_of(name, prod(given["shape"][:-1]), given["shape"][-1])  # type: ignore[index,arg-type]
    if name == "nj_softmax_s8":
        return rows_of(name, given["rows"], given["depth"])  # type: ignore[arg-type]
    if name in ("nj_mean_s8", "nj_sum_s8"):
        return _mean(name, given)
    if name == "nj_transpose_s8":
        shape, step = given["shape"], given["stride"]
        return rows_of(name, prod(shape[:-1]), shape[-1], step[-1])  # type: ignore[index,arg-type]
    if name == "nj_pad_s8":
        shape = given["shape"]
        return Work(name, target=(1, 1, view.output.elements), rows=prod(shape[:-1]), length=shape[-1])  # type: ignore[index,arg-type]
    if name == "nj_concatenation_s8":
        outer: Any = given["outer"]
        count = sum(t is not None for t in view.inputs)
        return Work(name, (1, 1, count), rows=outer, length=view.output.elements // max(outer, 1))
    return rows_of(name, 1, view.output.elements)


def _mean(name: str, given: dict[str, Any]) -> Work:
    shape, reduce = given["shape"], given["reduce"]
    if reduce[3] or (reduce[0] and shape[0] > 1):
        outputs = prod(n for n, gone in zip(shape, reduce, strict=True) if not gone)
        return Work(f"{name}/any", (1, prod(shape) // outputs, 1), rows=outputs)
    rows, columns = (shape[i] if reduce[i] else 1 for i in (1, 2))
    blocks = shape[0] * shape[1] * shape[2] // (rows * columns)
    return Work(name, (rows, columns, shape[3]), rows=blocks)


def _image(field: Any) -> Image:
    size = dict(field)
    return size["height"], size["width"], size["channels"]


def _unbatched(shape: Shape) -> Shape:
    return shape[1:] if shape[:1] == (1,) else shape

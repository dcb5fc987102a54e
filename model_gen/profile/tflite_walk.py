"""From a .tflite to the same steps as those of its Keras model: what the engine's generator makes of it."""

from math import prod
from typing import Any

from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.cm55.lower import Program
from model_gen.codegen.cm55.ops.linear import FREE_SHIFT
from model_gen.codegen.cm55.ops.registry import Kernel
from model_gen.codegen.cm55.ops.rounding import c_enum
from model_gen.codegen.tflite.options import WindowOptions
from model_gen.codegen.tflite.view import View
from model_gen.profile.step import INPUT, Shape, Step
from model_gen.profile.work import (
    LARGEST,
    MATRICES,
    MEAN,
    MUL,
    MUL_ANY,
    MUL_GATES,
    RESIZED,
    SMALLEST,
    SUM,
    SUM_ANY,
    TRANSPOSE_CONV,
    Image,
    Work,
    rows_of,
)


def tflite_steps(
    model: bytes, *, rounding: str = "tflite"
) -> tuple[tuple[Shape, ...], tuple[Step, ...]]:
    """The shapes of the inputs and the steps of a .tflite, in the order of its ops; what is constant is left out.

    Raises:
        BadInput: the file is not a model, or backend cm55 does not take it.
    """
    program, _ = plan_model(model, rounding=rounding)
    graph = program.resolved.graph
    inputs = tuple(_unbatched(program.tensors[index].shape) for index in graph.inputs)
    return inputs, steps_of(program)


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
                # What a batch of images costs was not measured.
                work=work_of(lowered.kernel, lowered.view)
                if lowered is not None and lowered.kernel.images == 1
                else None,
                idle=lowered is None,
                macs=0 if lowered is None else lowered.kernel.macs,
                parameters=sum(
                    t.elements for t in view.inputs if t is not None and t.value is not None
                )
                if view.op.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
                else 0,
            )
        )
        made[view.output.index] = len(found) - 1
    return tuple(found)


def work_of(kernel: Kernel, view: View) -> Work:
    """What a kernel call walks, from its parameters."""
    name = kernel.function
    given: dict[str, Any] = {}
    if kernel.parameters is not None:
        given = dict(kernel.parameters.fields)
    if "window" in given:
        return _windowed(name, given)
    if name == TRANSPOSE_CONV:
        return _transposed(name, view)
    if name.startswith("nj_fully_connected"):
        inputs, outputs = ((1, given["batches"], given[side]) for side in ("inputs", "outputs"))
        return Work(name, inputs, outputs)
    if name in (MEAN, LARGEST, SMALLEST):
        return _reduced(name, given)
    if name == RESIZED:
        channels = given["channels"]
        source = given["input_rows"], given["input_columns"], channels
        return Work(name, source, (given["rows"], given["columns"], channels), rows=given["images"])
    if name == MATRICES:
        rows, columns, depth = (given[side] for side in ("rows", "columns", "depth"))
        turned = columns if given["turn2"] else 1
        return Work(
            name, (1, rows, depth), (1, columns, depth), rows=prod(given["batches"]), step=turned
        )
    if name == "nj_linear_channels_s8":
        return rows_of(name, given["places"], given["channels"])
    if name == "nj_softmax_s8":
        return rows_of(name, given["rows"], given["depth"])
    if name == "nj_concatenation_s8":
        count = sum(tensor is not None for tensor in view.inputs)
        length = view.output.elements // max(given["outer"], 1)
        return Work(name, (1, 1, count), rows=given["outer"], length=length)
    if name == SUM and given["shift"] != FREE_SHIFT:
        return rows_of(SUM_ANY, 1, view.output.elements)
    if name == MUL:
        return _product(given)
    if "shape" in given:  # elementwise, transpose, pad: rows of the innermost dimension
        *outer, length = given["shape"]
        step = given["stride"][-1] if "stride" in given else 1
        filled = view.output.elements if name == "nj_pad_s8" else 1
        return Work(name, target=(1, 1, filled), rows=prod(outer), length=length, step=step)
    return rows_of(name, 1, view.output.elements)


def _product(given: dict[str, Any]) -> Work:
    *outer, length = given["shape"]
    (*_, across1, along1), (*_, across2, along2) = given["stride1"], given["stride2"]
    positive = given["zero_point1"] == given["zero_point2"] == -128
    name = MUL
    if given["rounding"] != c_enum("double") or dict(given["output_requant"])["shift"] >= 0:
        name = MUL_ANY
    elif outer[-1] > 1 and along1 == along2 == 1 and 0 in (across1, across2):
        name = MUL_GATES
    return Work(name, rows=prod(outer), length=length, relu=positive)


def _windowed(name: str, given: dict[str, Any]) -> Work:
    window = dict(given["window"])
    return Work(
        name,
        _image(given["input"]),
        _image(given["output"]),
        (window["height"], window["width"]),
        (window["stride_height"], window["stride_width"]),
        (window["pad_top"], window["pad_left"]),
        bool(given.get("relu")),
    )


def _transposed(name: str, view: View) -> Work:
    """By the padding of a convolution that makes the input's size of the output's."""
    source, target = (_unbatched(shape) for shape in (view.input(2).shape, view.output.shape))
    _, height, width, _ = view.input(1).shape
    stride = view.options(WindowOptions).stride
    pads = [
        max(0, (given - 1) * step + size - out) // 2
        for given, step, size, out in zip(source, stride, (height, width), target, strict=False)
    ]
    down, right, channels = source
    rows, columns, outputs = target
    return Work(
        name,
        (down, right, channels),
        (rows, columns, outputs),
        (height, width),
        stride,
        (pads[0], pads[1]),
    )


def _reduced(name: str, given: dict[str, Any]) -> Work:
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

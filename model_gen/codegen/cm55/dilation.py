"""SPACE_TO_BATCH_ND, a convolution, BATCH_TO_SPACE_ND: one dilated convolution.

Keras's dilated layers become such a chain when the batch is open; a 1-D layer's also reshapes before and behind the
convolution. Block (b, c) makes an image of every b-th row and c-th column: a window there is a window dilated by
(b, c) in the whole image. What the one op pads is the padding of the dilated convolution; what the other crops is not
computed.
"""

from dataclasses import dataclass, replace

from model_gen.codegen.cm55.ops.space_to_batch import blocks
from model_gen.codegen.tflite.graph import Shape, Tensor
from model_gen.codegen.tflite.options import WindowOptions
from model_gen.codegen.tflite.view import View

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_RESHAPES = ("RESHAPE", "EXPAND_DIMS", "SQUEEZE")

_Pairs = tuple[tuple[int, int], tuple[int, int]]  # (before, after) of rows and of columns


@dataclass(frozen=True)
class Dilated:
    """`view`: the one convolution, from the chain's input to its output, both with 4 dimensions; `inside`: the tensors
    between, which never exist."""

    view: View
    inside: tuple[int, ...]


def dilated(
    views: tuple[View, ...], readers: dict[int, int], kept: tuple[int, ...]
) -> list[Dilated]:
    """Every chain of the model that is one convolution.

    Args:
        views: the ops with their final shapes.
        readers: tensor -> how many ops read it.
        kept: tensors that must exist: the model's outputs.
    """
    writers = {view.output.index: view for view in views}
    found = []
    for view in views:
        if view.op.name != "BATCH_TO_SPACE_ND":
            continue
        chain = _chain(view, writers, readers, kept)
        if chain is not None:
            found.append(chain)
    return found


def _chain(
    last: View, writers: dict[int, View], readers: dict[int, int], kept: tuple[int, ...]
) -> Dilated | None:
    inside: list[int] = []

    def source(view: View) -> View | None:
        """The op that writes input 0 for this view alone; through reshapes."""
        index = view.input(0).index
        writer = writers.get(index)
        if writer is None or readers[index] != 1 or index in kept:
            return None
        inside.append(index)
        return source(writer) if writer.op.name in _RESHAPES else writer

    convolution = source(last)
    if convolution is None or convolution.op.name not in CONVOLUTIONS:
        return None
    first = source(convolution)
    if first is None or first.op.name != "SPACE_TO_BATCH_ND":
        return None
    view = _merged(first, convolution, last)
    return None if view is None else Dilated(view, tuple(inside))


def _merged(first: View, convolution: View, last: View) -> View | None:
    """The dilated convolution, or None where the chain is another computation."""
    options = convolution.options(WindowOptions)
    given, wanted = blocks(first), blocks(last)
    source, target = first.input(0), last.output
    if (
        options.stride != (1, 1)
        or given.block != wanted.block
        or source.shape[0] != 1
        or not _alike(first, source, first.output, convolution.input(0))
        or not _alike(last, convolution.output, last.input(0), target)
    ):
        return None
    axis = _new_axis(first.output.shape, convolution.input(0).shape)
    if axis is None or _with(last.input(0).shape, axis) != convolution.output.shape:
        return None
    block = _with((1, *given.block, 1), axis)[1:3]
    pads, crops = _pairs(given.edges, axis), _pairs(wanted.edges, axis)
    image, out = _with(source.shape, axis), _with(target.shape, axis)
    window = convolution.input(1).shape[1:3]
    padding: list[int] = []
    for d in range(2):
        reach = (window[d] - 1) * options.dilation[d]
        own = reach // 2 if options.padding == "SAME" else 0
        before = pads[d][0] + own * block[d] - crops[d][0]
        padding += [before, out[1 + d] + reach * block[d] - image[1 + d] - before]
    top, bottom, left, right = padding
    if min(top, left) < 0 or (window == (1, 1) and top == left == 0 and max(bottom, right) > 0):
        # The kernels take no image that begins outside, nor one place that lies behind it.
        return None
    dilation = options.dilation[0] * block[0], options.dilation[1] * block[1]
    op = replace(
        convolution.op,
        index=last.op.index,
        outputs=last.op.outputs,
        options=replace(options, padding="VALID", dilation=dilation),
    )
    return replace(
        convolution,
        op=op,
        inputs=(_four(source, axis), *convolution.inputs[1:]),
        outputs=(_four(target, axis),),
        padding=(top, bottom, left, right),
    )


def _alike(view: View, *tensors: Tensor) -> bool:
    """Whether all have one scale and zero point; a RESHAPE between them may state others, without computing."""
    return len({view.scale_and_zero(tensor) for tensor in tensors}) == 1


def _new_axis(shape: Shape, four: Shape) -> int | None:
    """Where the reshapes insert a dimension of 1, 0 for nowhere; None for anything else."""
    return next((axis for axis in (0, 1, 2) if four == _with(shape, axis)), None)


def _with(shape: Shape, axis: int) -> Shape:
    return shape if axis == 0 else (*shape[:axis], 1, *shape[axis:])


def _four(tensor: Tensor, axis: int) -> Tensor:
    return replace(tensor, shape=_with(tensor.shape, axis))


def _pairs(edges: tuple[tuple[int, int], ...], axis: int) -> _Pairs:
    """Of rows and columns; none of the inserted dimension."""
    rows = list(edges)
    if axis:
        rows.insert(axis - 1, (0, 0))
    return rows[0], rows[1]

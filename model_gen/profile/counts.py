"""How often each loop of a kernel runs: what its instructions are a linear function of.

The counts follow the loops of the Helium code in firmware/kernels. Kernels that choose between
several loops have several forms, each with instructions of its own.
"""

from collections.abc import Callable
from math import prod

from model_gen.profile.convolutions import (
    BLOCK,
    GROUP,
    Counts,
    conv,
    conv_form,
    depthwise,
    depthwise_form,
    up,
)
from model_gen.profile.transposed import transposed, transposed_form
from model_gen.profile.work import (
    AVERAGE_POOL,
    CHANNELS,
    CONCATENATION,
    CONV,
    DENSE,
    DEPTHWISE,
    LARGEST,
    LOOKUP,
    MATRICES,
    MAX_POOL,
    MEAN,
    MUL,
    MUL_ANY,
    MUL_GATES,
    PAD,
    RESIZED,
    SMALLEST,
    SOFTMAX,
    SUM,
    SUM_ANY,
    TRANSPOSE,
    TRANSPOSE_CONV,
    Work,
    rows_of,
)

_FEW = 22  # places of which an average is a product


def form_of(work: Work) -> str:
    """The kernel, and which of its loops runs."""
    kernel = SUM if work.kernel == SUM_ANY else work.kernel  # the same loops
    return f"{kernel}{_FORMS.get(kernel, _plain)(work)}"


def counts_of(work: Work) -> Counts | None:
    """The counts of a call by name, among them 1 for the call itself; None for a kernel that is not known here."""
    kernel = _COUNTS.get(work.kernel)
    return None if kernel is None else {"call": 1, **kernel(work)}


def _plain(work: Work) -> str:
    return ""


def _dense(work: Work) -> Counts:
    _, batches, inputs = work.source
    twos, rest = divmod(work.target[2], 2 * GROUP)
    groups, blocks = up(rest, GROUP), up(inputs, BLOCK)
    return {
        "batches": batches,
        "two groups": batches * twos,
        "blocks of two groups": batches * twos * blocks,
        "groups": batches * groups,
        "blocks": batches * groups * blocks,
    }


def _channels(work: Work) -> Counts:
    whole, rest = divmod(work.length, 4)
    return {
        "groups": whole + (rest > 0),
        "steps": work.rows * whole,
        "steps of few": work.rows * (rest > 0),
    }


def _sum(work: Work) -> Counts:
    turns, rest = (0, work.length) if work.kernel == SUM_ANY else divmod(work.length, 16)
    return {"turns": turns, "rests": rest > 0, "quarters": up(rest, 4)}


def _rows(work: Work) -> Counts:
    return {"rows": work.rows, "quarters": work.rows * up(work.length, 4)}


def _products(work: Work) -> Counts:
    eights = work.rows * up(work.length, 8)
    return {"rows": work.rows, "eights": eights, "signed": 0 if work.relu else eights}


def _gates(work: Work) -> Counts:
    whole, rest = divmod(work.length, 8)
    eights = whole + (rest > 0)
    return {
        "eights": eights,
        "steps": work.rows * whole,
        "steps of few": work.rows * (rest > 0),
        "signed": 0 if work.relu else work.rows * eights,
    }


def _vectors(work: Work) -> Counts:
    return {"vectors": up(work.length, BLOCK)}


def _softmax(work: Work) -> Counts:
    return {"rows": work.rows, "elements": work.rows * work.length}


def _mean(work: Work) -> Counts:
    rows, columns, channels = work.source
    eights = work.rows * up(channels, 8)
    return {
        "eights": eights,
        "rows": eights * rows,
        "places": eights * rows * columns,
        "outputs": work.rows * channels,
    }


def _extreme(work: Work) -> Counts:
    rows, columns, channels = work.source
    vectors = work.rows * up(channels, BLOCK)
    return {
        "outputs": work.rows,
        "vectors": vectors,
        "rows": vectors * rows,
        "places": vectors * rows * columns,
    }


def _resized(work: Work) -> Counts:
    height, width, channels = work.target
    places = work.rows * height * width
    return {
        "rows": work.rows * height,
        "places": places,
        "quarters": places * up(channels, 4),
    }


def _matrices(work: Work) -> Counts:
    """Each row with each column, four columns at a time; a second matrix that lies by rows is turned before.

    Whole blocks of four columns need no predicate; what is left of a depth, or of the columns, is computed with one.
    """
    (_, rows, depth), (_, columns, _) = work.source, work.target
    blocks = up(depth, BLOCK)
    four, fewer = rows * (columns // GROUP), rows * (columns % GROUP > 0)
    ends = four * (depth % BLOCK > 0)
    counts: Counts = {
        "matrices": 1,
        "lines": columns + rows,
        "blocks of sums": (columns + rows) * blocks,
        "groups": four + fewer,
        "whole blocks": four * (depth // BLOCK),
        "ends": ends + fewer,
        "blocks of ends": ends + fewer * blocks,
    }
    if work.step > 1:
        turned = rows_of(TRANSPOSE, columns, depth, work.step)
        counts |= {f"turned: {name}": count for name, count in _transpose(turned).items()}
    return {name: count * work.rows for name, count in counts.items()}


def _covered(work: Work, axis: int) -> int:
    """Places of the image that all windows along an axis cover, one by one."""
    size, window, stride, pad = (
        work.source[axis],
        work.window[axis],
        work.stride[axis],
        work.pad[axis],
    )
    starts = (i * stride - pad for i in range(work.target[axis]))
    return sum(min(start + window, size) - max(start, 0) for start in starts)


def _pool(lanes: int) -> Callable[[Work], Counts]:
    def counts(work: Work) -> Counts:
        height, width, channels = work.target
        parts = up(channels, lanes)
        rows = _covered(work, 0)
        return {
            "windows": height * width,
            "parts": height * width * parts,
            "rows": width * rows * parts,
            "places": rows * _covered(work, 1) * parts,
            "outputs": height * width * channels,
        }

    return counts


def _pad(work: Work) -> Counts:
    return {
        "rows": work.rows,
        "bytes moved": work.rows * work.length / BLOCK,
        "bytes filled": work.target[2] / BLOCK,
    }


def _transpose_form(work: Work) -> str:
    if work.step != 1:
        return " of steps"
    return " of runs" if work.length > BLOCK else " of short runs"


def _transpose(work: Work) -> Counts:
    if work.step == 1:
        return {"rows": work.rows, "vectors": work.rows * up(work.length, BLOCK)}
    wide, rest = divmod(work.length, 8)
    if work.step * 7 > 0xFFFF:
        wide, rest = 0, work.length
    return {"rows": work.rows, "eights": work.rows * wide, "steps": work.rows * rest}


def _concatenation(work: Work) -> Counts:
    return {
        "pieces": work.rows * work.source[2],
        "bytes": work.rows * work.length / BLOCK,
    }


def _pool_form(work: Work) -> str:
    return " of few" if 2 <= prod(work.window) <= _FEW else " of many"


_FORMS: dict[str, Callable[[Work], str]] = {
    CONV: conv_form,
    DEPTHWISE: depthwise_form,
    TRANSPOSE: _transpose_form,
    AVERAGE_POOL: _pool_form,
    TRANSPOSE_CONV: transposed_form,
}
_COUNTS: dict[str, Callable[[Work], Counts]] = {
    CONV: conv,
    DEPTHWISE: depthwise,
    DENSE: _dense,
    CHANNELS: _channels,
    SUM: _sum,
    SUM_ANY: _sum,
    **dict.fromkeys(
        (
            "nj_add_s8",
            "nj_sub_s8",
            "nj_maximum_s8",
            "nj_minimum_s8",
            "nj_squared_difference_s8",
            MUL_ANY,
        ),
        _rows,
    ),
    MUL: _products,
    MUL_GATES: _gates,
    LOOKUP: _vectors,
    "nj_copy_s8": _vectors,
    "nj_quantize_f32_s8": _vectors,
    "nj_quantize_f32_u8": _vectors,
    "nj_dequantize_s8_f32": _vectors,
    "nj_dequantize_u8_f32": _vectors,
    SOFTMAX: _softmax,
    MEAN: _mean,
    AVERAGE_POOL: _pool(8),
    MAX_POOL: _pool(16),
    PAD: _pad,
    TRANSPOSE: _transpose,
    CONCATENATION: _concatenation,
    LARGEST: _extreme,
    SMALLEST: _extreme,
    RESIZED: _resized,
    MATRICES: _matrices,
    TRANSPOSE_CONV: transposed,
}

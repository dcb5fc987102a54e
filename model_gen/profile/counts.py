"""How often each loop of a kernel runs: what its instructions are a linear function of.

The counts follow the loops of the Helium code in firmware/kernels. Kernels that choose between
several loops have several forms, each with instructions of its own.
"""

from collections.abc import Callable
from math import prod

from model_gen.profile.work import (
    AVERAGE_POOL,
    CHANNELS,
    CONCATENATION,
    CONV,
    DENSE,
    DEPTHWISE,
    LOOKUP,
    MAX_POOL,
    MEAN,
    MUL,
    MUL_ANY,
    MUL_GATES,
    PAD,
    SOFTMAX,
    SUM,
    SUM_ANY,
    TRANSPOSE,
    Work,
)

Counts = dict[str, float]
_GROUP = 4  # output channels of a turn of the dense loop
_BLOCK = 16  # bytes of a vector
_TURN = 8  # blocks of a turn
_FEW = 22  # places of which an average is a product
_BATCH_BYTES, _MAX_BATCH = (
    768,
    32,
)  # patches gathered at a time: model_gen/codegen/cm55/ops/convolution.py


def form_of(work: Work) -> str:
    """The kernel, and which of its loops runs."""
    kernel = SUM if work.kernel == SUM_ANY else work.kernel  # the same loops
    return f"{kernel}{_FORMS.get(kernel, _plain)(work)}"


def counts_of(work: Work) -> Counts | None:
    """The counts of a call by name, among them 1 for the call itself; None for a kernel that is not known here."""
    kernel = _COUNTS.get(work.kernel)
    return None if kernel is None else {"call": 1, **kernel(work)}


def _up(size: int, part: int) -> int:
    return -(-size // part)


def _plain(work: Work) -> str:
    return ""


def _inside(work: Work, axis: int) -> tuple[int, int]:
    """The outputs along an axis whose window lies in the image: first, and one past the last."""
    size, out = work.source[axis], work.target[axis]
    window, stride, pad = work.window[axis], work.stride[axis], work.pad[axis]
    first = min(_up(pad, stride), out)
    room = size - window + pad
    return first, max(first, min(room // stride + 1, out)) if room >= 0 else first


def _whole(work: Work) -> int:
    first, behind = _inside(work, 1)
    return behind - first


def _conv_form(work: Work) -> str:
    if work.window == (1, 1) and work.pad == (0, 0):
        return " in place" if _is_one_run(work) else " row by row"
    return " rows in place" if work.window[1] * work.source[2] % _BLOCK == 0 else " gathered"


def _is_one_run(work: Work) -> bool:
    return work.stride == (1, 1) and work.source[1] == work.target[1]


def _conv(work: Work) -> Counts:
    return {
        " in place": _conv_in_place,
        " row by row": _conv_in_place,
        " rows in place": _conv_rows,
        " gathered": _conv_gathered,
    }[_conv_form(work)](work)


def _conv_in_place(work: Work) -> Counts:
    """The image is the patches."""
    height, width, _ = work.target
    length = height * width if _is_one_run(work) else width
    runs = height * width // length
    return _pairs(work, runs * _up(length, 2), runs * (1 + length % 2))


def _conv_rows(work: Work) -> Counts:
    """Rows of the window are read where they lie; places at the edges are gathered, two at a time."""
    height, width, outputs = work.target
    whole = _whole(work)
    edges = width - whole // 2 * 2
    row = work.window[1] * work.source[2]
    inner = _pairs(work, height * (whole // 2), height)
    of_rows = work.window[0] * _up(row // _BLOCK, _TURN)
    inner["turns"] = height * (whole // 2) * _up(outputs, _GROUP) * of_rows
    outer = _pairs(work, height * _up(edges, 2), 0)
    return {
        **{name: inner[name] + outer[name] for name in inner},
        "runs at edges": height * _up(edges, 2),
        **_edges(work, height * edges),
    }


def _conv_gathered(work: Work) -> Counts:
    """Patches are copied, a batch at a time."""
    height, width, _ = work.target
    row = work.window[1] * work.source[2]
    patch = _up(work.window[0] * row, _BLOCK) * _BLOCK
    batch = max(2, min(_BATCH_BYTES // patch, _MAX_BATCH) // 2 * 2)
    places = height * width
    batches, rest = divmod(places, batch)
    first, behind = _inside(work, 0)
    inside = (behind - first) * _whole(work)
    found = {
        **_pairs(work, batches * batch // 2 + _up(rest, 2), batches + (rest > 0) + rest % 2),
        "runs gathered": (behind - first if inside else 0) + batches,
        "gathered": inside,
        "vectors gathered": inside * work.window[0] * _up(row, _BLOCK),
    }
    at_edges = places - inside
    if row > _BLOCK:
        return {**found, **_edges(work, at_edges)}
    return {
        **found,
        "edges, narrow": at_edges,
        "rows of edges, narrow": at_edges * work.window[0],
    }


def _edges(work: Work, places: int) -> Counts:
    rows = places * work.window[0]
    return {
        "edges": places,
        "rows of edges": rows,
        "bytes of edges": rows * _up(work.window[1] * work.source[2], _BLOCK),
    }


def _pairs(work: Work, pairs: int, runs: int) -> Counts:
    """The dense loop: pairs of places against groups of outputs over blocks of the patch."""
    groups = pairs * _up(work.target[2], _GROUP)
    blocks = _up(prod(work.window) * work.source[2], _BLOCK)
    return {
        "runs": runs,
        "pairs": pairs,
        "groups": groups,
        "groups clamped": 0 if work.relu else groups,
        "blocks": groups * blocks,
        "turns": groups * _up(blocks, _TURN),
    }


def _depthwise_form(work: Work) -> str:
    return " of 9" if prod(work.window) == 9 else " of any"


def _depthwise(work: Work) -> Counts:
    height, width, channels = work.target
    groups = _up(channels, _BLOCK)
    nine = prod(work.window) == 9
    taps = prod(work.window) + prod(work.window) % 2
    rows, columns = _inside(work, 0), _inside(work, 1)
    side = _BLOCK // channels if work.stride[1] == 1 and _BLOCK % channels == 0 else 1
    down = side == 1 and rows[1] - rows[0] > columns[1] - columns[0]
    inside, across = (rows, columns) if down else (columns, rows)
    lines, length = (width, height) if down else (height, width)
    # Of other than 9 taps only what sees no padding at all goes along.
    running = lines if nine else across[1] - across[0]
    whole = inside[1] - inside[0]
    along, left = divmod(whole, side)
    left_runs = 1 if side > 1 and left else 0
    runs = running * (length - whole + (1 if along else 0) + left_runs) + (lines - running) * length
    turns = running * (length - whole + along + left) + (lines - running) * length
    steps = turns * groups
    apart = running * max(along - 1, 0) if work.stride[1] != 1 or down or channels % _BLOCK else 0
    return {
        "runs": runs,
        "taps set": runs * prod(work.window),
        "turns": turns,
        "groups": steps,
        "groups clamped": 0 if work.relu else steps,
        "taps": 0 if nine else steps * taps,
        "moves apart": apart if nine else turns * (taps // 2),
    }


def _dense(work: Work) -> Counts:
    _, batches, inputs = work.source
    groups = _up(work.target[2], _GROUP)
    return {
        "batches": batches,
        "groups": batches * groups,
        "blocks": batches * groups * _up(inputs, _BLOCK),
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
    return {"turns": turns, "rests": rest > 0, "quarters": _up(rest, 4)}


def _rows(work: Work) -> Counts:
    return {"rows": work.rows, "quarters": work.rows * _up(work.length, 4)}


def _products(work: Work) -> Counts:
    eights = work.rows * _up(work.length, 8)
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
    return {"vectors": _up(work.length, _BLOCK)}


def _softmax(work: Work) -> Counts:
    return {"rows": work.rows, "elements": work.rows * work.length}


def _mean(work: Work) -> Counts:
    rows, columns, channels = work.source
    eights = work.rows * _up(channels, 8)
    return {
        "eights": eights,
        "rows": eights * rows,
        "places": eights * rows * columns,
        "outputs": work.rows * channels,
    }


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
        parts = _up(channels, lanes)
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
        "bytes moved": work.rows * work.length / _BLOCK,
        "bytes filled": work.target[2] / _BLOCK,
    }


def _transpose_form(work: Work) -> str:
    return " of runs" if work.step == 1 else " of steps"


def _transpose(work: Work) -> Counts:
    if work.step == 1:
        return {"rows": work.rows, "vectors": work.rows * _up(work.length, _BLOCK)}
    wide, rest = divmod(work.length, 8)
    if work.step * 7 > 0xFFFF:
        wide, rest = 0, work.length
    return {"rows": work.rows, "eights": work.rows * wide, "steps": work.rows * rest}


def _concatenation(work: Work) -> Counts:
    return {
        "pieces": work.rows * work.source[2],
        "bytes": work.rows * work.length / _BLOCK,
    }


def _pool_form(work: Work) -> str:
    return " of few" if 2 <= prod(work.window) <= _FEW else " of many"


_FORMS: dict[str, Callable[[Work], str]] = {
    CONV: _conv_form,
    DEPTHWISE: _depthwise_form,
    TRANSPOSE: _transpose_form,
    AVERAGE_POOL: _pool_form,
}
_COUNTS: dict[str, Callable[[Work], Counts]] = {
    CONV: _conv,
    DEPTHWISE: _depthwise,
    DENSE: _dense,
    CHANNELS: _channels,
    SUM: _sum,
    SUM_ANY: _sum,
    **dict.fromkeys(("nj_add_s8", "nj_sub_s8", "nj_maximum_s8", "nj_minimum_s8", MUL_ANY), _rows),
    MUL: _products,
    MUL_GATES: _gates,
    LOOKUP: _vectors,
    "nj_copy_s8": _vectors,
    "nj_quantize_f32_s8": _vectors,
    "nj_dequantize_s8_f32": _vectors,
    SOFTMAX: _softmax,
    MEAN: _mean,
    AVERAGE_POOL: _pool(8),
    MAX_POOL: _pool(16),
    PAD: _pad,
    TRANSPOSE: _transpose,
    CONCATENATION: _concatenation,
}

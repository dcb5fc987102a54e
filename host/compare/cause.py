"""The likely cause of a difference, read from its pattern.

Each recogniser is a small pure function of the two tensors; it returns a sentence, or None. They are tried from
the most to the least specific, and when none fits the answer is `UNKNOWN`: a wrong guess costs more than none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt

from host.compare.tensors import Array, TensorDifference, differing_positions, distance

UNKNOWN = "no pattern recognised"


@dataclass(frozen=True, eq=False)
class Evidence:
    """A differing tensor as the recognisers see it; arrays are [..., channels]."""

    got: Array
    want: Array
    op: str

    @property
    def where(self) -> npt.NDArray[np.bool_]:
        return differing_positions(self.got, self.want)


Recogniser = Callable[[Evidence], str | None]


def likely_cause(
    difference: TensorDifference, op: str, recognisers: Sequence[Recogniser] | None = None
) -> str:
    """The first recognised pattern, as a sentence; `UNKNOWN` when there is none. None: `RECOGNISERS`."""
    evidence = Evidence(difference.got, difference.want, op)
    for recognise in RECOGNISERS if recognisers is None else recognisers:
        sentence = recognise(evidence)
        if sentence is not None:
            return sentence
    return UNKNOWN


def all_constant(e: Evidence) -> str | None:
    """One value everywhere, where the reference has several."""
    if e.got.size < 4 or np.any(e.got != e.got.flat[0]) or np.all(e.want == e.want.flat[0]):
        return None
    return f"every element is {e.got.flat[0]}: the step was not executed, or its output was not written here"


def denormals_flushed(e: Evidence) -> str | None:
    """Zeros where the reference has denormals."""
    if e.got.dtype.kind != "f":
        return None
    want, got = e.want[e.where], e.got[e.where]
    tiny = np.finfo(e.want.dtype).tiny
    small = (np.abs(want) < tiny) & (np.abs(got) < tiny)
    if np.all(small) and (np.all(got == 0) or np.all(want == 0)):
        return "only denormal values differ: one side flushes them to zero; scale the data so that none can occur"
    return None


def last_places(e: Evidence) -> str | None:
    """Floats that differ in their last bits only."""
    if e.got.dtype.kind != "f" or not np.all(np.isfinite(e.got)):
        return None
    largest = int(np.max(distance(e.got, e.want)))
    if largest <= 16:
        return (
            f"floats differ by at most {largest} units in the last place: contraction to fused multiply-add,"
            " another order of operations, or another table"
        )
    return None


def scaled(e: Evidence) -> str | None:
    """Floats that are the reference's along a straight line: another normalization."""
    if e.got.dtype.kind != "f" or not _telling(e.want) or not np.all(np.isfinite(e.got)):
        return None
    got, want = e.got.reshape(-1).astype(np.float64), e.want.reshape(-1).astype(np.float64)
    centre = want.mean()
    slope = float(np.dot(got - got.mean(), want - centre) / np.dot(want - centre, want - centre))
    offset = float(got.mean() - slope * centre)
    reach = float(got.max() - got.min())
    if reach == 0 or np.max(np.abs(slope * want + offset - got)) > 1e-5 * reach:
        return None
    return f"every element is {slope:.6g} times the reference's, plus {offset:.6g}: a scale or a normalization"


def wrong_sign_bit(e: Evidence) -> str | None:
    """int8 taken for uint8, or the other way: every element has its top bit flipped."""
    if e.got.dtype not in (np.int8, np.uint8) or e.got.size < 4:
        return None
    if np.array_equal(e.got.view(np.uint8) ^ 0x80, e.want.view(np.uint8)):
        return "every element has its top bit inverted: signed and unsigned steps are mixed up"
    return None


def constant_offset(e: Evidence) -> str | None:
    """Every element is off by one and the same number of steps."""
    if e.got.dtype.kind == "f" or e.got.size < 4:
        return None
    delta = e.got.astype(np.int64) - e.want.astype(np.int64)
    if np.any(delta != delta.flat[0]):
        return None
    return f"every element is off by {int(delta.flat[0]):+d}: the output's zero point or a common offset"


def transposed(e: Evidence) -> str | None:
    """The right values in another order of axes."""
    axes = [a for a, n in enumerate(e.want.shape) if n > 1]
    if len(axes) < 2 or not _telling(e.want):
        return None
    small = e.want.reshape([e.want.shape[a] for a in axes])
    flat = e.got.reshape(-1)
    for order in permutations(range(len(axes))):
        if list(order) != sorted(order) and np.array_equal(
            small.transpose(order).reshape(-1), flat
        ):
            names = ", ".join(str(axes[i]) for i in order)
            return f"the values are right but stored in the order of axes ({names}): a transposed layout"
    return None


def shifted(e: Evidence) -> str | None:
    """The right values, moved along one axis or in memory."""
    if not _telling(e.want):
        return None
    names = _axis_names(e.want.ndim)
    for axis in range(e.want.ndim):
        length = e.want.shape[axis]
        for by in (b for b in (1, -1, 2, -2) if abs(b) < length):
            keep = slice(by, None) if by > 0 else slice(None, by)
            come = slice(None, -by) if by > 0 else slice(-by, None)
            got = np.take(e.got, np.arange(length)[keep], axis)
            want = np.take(e.want, np.arange(length)[come], axis)
            if got.size >= 4 and _telling(want) and np.array_equal(got, want):
                return f"the values are right but moved by {by:+d} along {names[axis]}: an index or a stride is off"
    got, want = e.got.reshape(-1), e.want.reshape(-1)
    for by in (b for b in range(1, 17) if b < got.size // 2):
        if np.array_equal(got[by:], want[:-by]) or np.array_equal(got[:-by], want[by:]):
            where = f"moved by {by} elements in memory"
            return f"the values are right but {where}: a wrong address, or a copy that starts late"
    return None


def some_channels(e: Evidence) -> str | None:
    """Only one or few channels differ: their weights, biases or multipliers."""
    channels = e.want.shape[-1] if e.want.ndim else 1
    if channels < 3:
        return None
    wrong = np.flatnonzero(e.where.reshape(-1, channels).any(axis=0))
    if len(wrong) > max(1, channels // 8):
        return None
    each = e.want.size // channels
    count = int(e.where.sum())
    if len(wrong) == 1 and each >= 8 and count == 1:
        return None  # one element of a channel: no weight does that
    noun = "output" if e.op == "FULLY_CONNECTED" else "output channel"
    if e.op not in PARAMETRIC:
        listed = ", ".join(str(c) for c in wrong[:8])
        return (
            f"only channels {listed} differ" if len(wrong) > 1 else f"only channel {listed} differs"
        )
    if len(wrong) > 1:
        listed = ", ".join(str(c) for c in wrong[:8])
        return f"only {noun}s {listed} differ: weights, biases or multipliers of these {noun}s"
    what = "weight, bias or multiplier" if count < each else "bias, multiplier or weight"
    return f"only {noun} {wrong[0]} differs: a {what} of that {noun}"


PARAMETRIC = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


def border_only(e: Evidence) -> str | None:
    """Only the rows and columns at the edges of an image differ."""
    if e.want.ndim != 4 or (e.want.shape[1] < 3 and e.want.shape[2] < 3):
        return None
    where: npt.NDArray[np.bool_] = np.asarray(e.where.any(axis=(0, 3)))
    rows, columns = where.shape
    inner = np.zeros_like(where)
    inner[_inside(rows), _inside(columns)] = True
    if not inner.any() or (where & inner).any() or int(where.sum()) < 2:
        return None
    sides = {
        "top": where[0, _inside(columns)] if rows >= 3 else where[:0],
        "bottom": where[-1, _inside(columns)] if rows >= 3 else where[:0],
        "left": where[_inside(rows), 0] if columns >= 3 else where[:0],
        "right": where[_inside(rows), -1] if columns >= 3 else where[:0],
    }
    edges = [name for name, part in sides.items() if part.any()] or ["corners"]
    return f"only the border differs ({', '.join(edges)}): padding, or the value of padded places"


def one_element(e: Evidence) -> str | None:
    """A single wrong element in a larger tensor."""
    if int(e.where.sum()) != 1 or e.want.size < 4:
        return None
    got, want = e.got[e.where], e.want[e.where]
    flipped = np.bitwise_xor(got.view(f"u{got.itemsize}"), want.view(f"u{got.itemsize}"))[0]
    bits = int(flipped).bit_count()
    how = f", by {bits} {'bit' if bits == 1 else 'bits'}" if bits <= 2 else ""
    return f"a single element differs{how}: memory written by something else, or a case at the edge of a rule"


def clamped(e: Evidence) -> str | None:
    """Wrong elements sit at a limit of the type, or lack a clamp the reference has."""
    if e.got.dtype.kind not in "iu":
        return None
    info = np.iinfo(e.got.dtype)
    for side, other, sentence in (
        (
            e.got,
            e.want,
            "every wrong element is saturated: the accumulator's scale or a clamp is wrong",
        ),
        (
            e.want,
            e.got,
            "only elements that the reference clamps differ: the activation's limits are missing",
        ),
    ):
        wrong = side[e.where]
        if wrong.size >= 2 and np.all((wrong == info.min) | (wrong == info.max)):
            there = other[e.where]
            if not np.any((there == info.min) | (there == info.max)):
                return sentence
    limits = np.unique(e.want[e.where])
    if limits.size != 1 or e.where.sum() < 4 or limits[0] not in (e.want.min(), e.want.max()):
        return None
    if np.all(e.got[e.where] < limits[0]) or np.all(e.got[e.where] > limits[0]):
        return f"only elements that the reference clamps to {limits[0]} differ: the activation's limits"
    return None


def stretch(e: Evidence) -> str | None:
    """Right up to some place, wrong from there: an unfinished copy or an overlap."""
    flat = e.where.reshape(-1)
    wrong = np.flatnonzero(flat)
    if flat.size < 16 or wrong.size < 8:
        return None
    first, last = int(wrong[0]), int(wrong[-1])
    length = last - first + 1
    if wrong.size < 0.75 * length or length > 0.95 * flat.size:
        return None
    size = e.got.dtype.itemsize
    if last >= flat.size - 2:
        return (
            f"right up to byte {first * size} of {flat.size * size}, wrong from there on: an unfinished copy or loop,"
            " or another tensor over this one in the arena"
        )
    start, end = first * size, (last + 1) * size
    return f"only bytes {start} to {end - 1} of {flat.size * size} are wrong: something else wrote into this tensor"


def off_by_one(e: Evidence) -> str | None:
    """One step at most, in many places: a rounding rule."""
    if e.got.dtype.kind == "f" or int(np.max(distance(e.got, e.want))) != 1:
        return None
    if int(e.where.sum()) < 2:
        return None
    return "elements differ by one step at most: the rounding rule (single or double), or a half rounded another way"


def _inside(length: int) -> slice:
    return slice(1, -1) if length >= 3 else slice(None)


def _telling(array: Array) -> bool:
    """Whether the values vary enough that a coincidence of order can be ruled out."""
    flat = array.reshape(-1)
    return flat.size >= 8 and int(np.sum(flat[1:] != flat[:-1])) >= max(4, flat.size // 16)


def _axis_names(dimensions: int) -> list[str]:
    if dimensions == 4:
        return ["the batch", "rows", "columns", "channels"]
    return [f"axis {axis}" for axis in range(dimensions)]


RECOGNISERS: tuple[Recogniser, ...] = (
    all_constant,
    denormals_flushed,
    last_places,
    scaled,
    wrong_sign_bit,
    constant_offset,
    transposed,
    shifted,
    some_channels,
    border_only,
    one_element,
    clamped,
    stretch,
    off_by_one,
)

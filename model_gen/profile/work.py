"""One call of the engine's kernels, as far as its cost depends on it: no weights, no scales."""

from dataclasses import dataclass
from math import prod

Image = tuple[int, int, int]  # height, width, channels
Pair = tuple[int, int]  # along height, along width

CONV = "nj_conv_2d_packed_s8"
DEPTHWISE = "nj_depthwise_conv_2d_packed_s8"
DENSE = "nj_fully_connected_packed_s8"
CHANNELS = "nj_linear_channels_s8"
SUM = "nj_linear_sum_s8"
SUM_ANY = f"{SUM}/any"  # with a shift that its fast loop does not take
MUL = "nj_mul_s8"
MUL_GATES = f"{MUL}/gates"  # an image by a number a channel
MUL_ANY = f"{MUL}/any"  # with a scale that its fast loops do not take
LOOKUP = "nj_lookup_s8"
SOFTMAX = "nj_softmax_s8"
MEAN = "nj_mean_s8"
AVERAGE_POOL = "nj_average_pool_2d_s8"
MAX_POOL = "nj_max_pool_2d_s8"
PAD = "nj_pad_s8"
TRANSPOSE = "nj_transpose_s8"
CONCATENATION = "nj_concatenation_s8"
TRANSPOSE_CONV = "nj_transpose_conv_packed_s8"
MATRICES = "nj_batch_matmul_s8"
RESIZED = "nj_resize_bilinear_s8"
LARGEST = "nj_reduce_max_s8"
SMALLEST = "nj_reduce_min_s8"


@dataclass(frozen=True)
class Work:
    """A kernel and the shape of what it walks.

    Attributes:
        kernel: the function of firmware/kernels.
        source, target: images that a window moves over, and what it gives. Of a dense layer (1, batches, width); of a
            mean or an extreme `source` is what one output takes in; of `rows` products of matrices (1, rows, depth) and
            (1, columns, depth).
        window, stride, pad: of the window; `pad` is above and to the left.
        relu: whether the output's range is a ReLU's alone, which the packed kernels clamp for free; of
            a product of two tensors, whether neither has values below 0.
        rows, length: of what is walked row by row; `length` alone of what is walked at once.
        step: from one element of a row to the next, of what is moved, or of a matrix.
    """

    kernel: str
    source: Image = (1, 1, 1)
    target: Image = (1, 1, 1)
    window: Pair = (1, 1)
    stride: Pair = (1, 1)
    pad: Pair = (0, 0)
    relu: bool = False
    rows: int = 1
    length: int = 0
    step: int = 1


def rows_of(kernel: str, rows: int, length: int, step: int = 1) -> Work:
    """Work over `rows` rows of `length`."""
    return Work(kernel, rows=rows, length=length, step=step)


def broadcast(
    kernel: str, one: tuple[int, ...], two: tuple[int, ...], out: tuple[int, ...]
) -> Work:
    """An elementwise kernel: its innermost row is as long as both inputs walk as one."""
    length = 1
    kind: tuple[bool, bool] | None = None
    for axis in range(1, len(out) + 1):
        here = tuple(len(s) >= axis and s[-axis] == out[-axis] for s in (one, two))
        if out[-axis] == 1:
            continue
        if kind is not None and here != kind:
            break
        kind = (here[0], here[1])
        length *= out[-axis]
    rows = prod(out) // length
    gates = kernel == MUL and rows > 1 and kind == (True, True)
    return rows_of(MUL_GATES if gates else kernel, rows, length)


def permuted(shape: tuple[int, ...], axes: tuple[int, ...]) -> Work | None:
    """A transpose by `axes`; None where the bytes stay where they are."""
    strides = _strides(shape)
    walk = _joined([(shape[axis], strides[axis]) for axis in axes])
    return None if len(walk) <= 1 else _moved(walk)


def cropped(shape: tuple[int, ...], out: tuple[int, ...]) -> Work | None:
    """What is left of a tensor of `shape` is copied; None where that is all of it."""
    return None if shape == out else _moved(_joined(list(zip(out, _strides(shape), strict=True))))


def _strides(shape: tuple[int, ...]) -> list[int]:
    return [prod(shape[i + 1 :]) for i in range(len(shape))]


def _joined(walk: list[Pair]) -> list[Pair]:
    """(size, step) of each dimension: those of 1 do not move, and neighbours walked as one are one."""
    found: list[Pair] = []
    for size, step in walk:
        if size == 1:
            continue
        if found and found[-1][1] == size * step:
            found[-1] = (found[-1][0] * size, step)
        else:
            found.append((size, step))
    return found


def _moved(walk: list[Pair]) -> Work:
    length, step = walk[-1] if walk else (1, 1)
    return rows_of(TRANSPOSE, prod(size for size, _ in walk[:-1]), length, step)


def padded(shape: tuple[int, ...], before: tuple[int, ...], after: tuple[int, ...]) -> Work:
    """A PAD: rows are joined where nothing is put between them; `target` is what is filled."""
    length, rows = 1, 1
    still = True
    for size, front, back in zip(shape[::-1], before[::-1], after[::-1], strict=True):
        if still:
            length *= size
        else:
            rows *= size
        still = still and front == back == 0
    filled = prod(b + n + a for n, b, a in zip(shape, before, after, strict=True))
    pad = (before[0], before[1]) if len(before) == 3 else (0, 0)
    return Work(PAD, target=(1, 1, filled), pad=pad, rows=rows, length=length)

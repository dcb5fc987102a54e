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
LOOKUP = "nj_lookup_s8"
SOFTMAX = "nj_softmax_s8"
MEAN = "nj_mean_s8"
AVERAGE_POOL = "nj_average_pool_2d_s8"
MAX_POOL = "nj_max_pool_2d_s8"
PAD = "nj_pad_s8"
TRANSPOSE = "nj_transpose_s8"
CONCATENATION = "nj_concatenation_s8"


@dataclass(frozen=True)
class Work:
    """A kernel and the shape of what it walks.

    Attributes:
        kernel: the function of firmware/kernels.
        source, target: images that a window moves over, and what it gives. Of a dense layer (1, batches, width); of a
            mean `source` is what one output takes in.
        window, stride, pad: of the window; `pad` is above and to the left.
        relu: whether the output's range is a ReLU's alone, which the packed kernels clamp for free.
        rows, length: of what is walked row by row; `length` alone of what is walked at once.
        step: from one element of a row to the next, of what is moved.
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
    return rows_of(kernel, prod(out) // length, length)


def permuted(shape: tuple[int, ...], axes: tuple[int, ...]) -> Work | None:
    """A transpose by `axes`; None where the bytes stay where they are."""
    strides = [prod(shape[i + 1 :]) for i in range(len(shape))]
    walk: list[Pair] = []
    for axis in axes:
        size, step = shape[axis], strides[axis]
        if size == 1:
            continue
        if walk and walk[-1][1] == size * step:
            walk[-1] = (walk[-1][0] * size, step)
        else:
            walk.append((size, step))
    if len(walk) <= 1:
        return None
    return rows_of(TRANSPOSE, prod(size for size, _ in walk[:-1]), *walk[-1])


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

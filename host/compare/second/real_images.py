"""What ops that make images larger compute in float64: TRANSPOSE_CONV and resizing, where they are asked."""

import numpy as np

from model_gen.codegen.tflite.graph import Array
from model_gen.codegen.tflite.options import ResizeOptions, WindowOptions


def transpose_conv(
    source: Array,
    weights: Array,
    bias: Array | None,
    options: WindowOptions,
    shape: tuple[int, ...],
    places: Array,
) -> Array:
    """float64 [places] of the output `shape`: each place of `source` [n, y, x, in] adds its step times `weights` [out,
    height, width, in] around (y, x) times the stride. SAME takes half of what overhangs off at the top and left."""
    window = weights.shape[1:3]
    begin = [
        max(0, (size - 1) * stride + k - out) // 2 if options.padding == "SAME" else 0
        for size, stride, k, out in zip(
            source.shape[1:3], options.stride, window, shape[1:3], strict=True
        )
    ]
    sums = []
    for n, y, x, c in zip(*np.unravel_index(places, shape), strict=True):
        met = []
        for d, at in enumerate((y, x)):
            tap = at + begin[d] - np.arange(source.shape[1 + d]) * options.stride[d]
            inside = np.flatnonzero((tap >= 0) & (tap < window[d]))
            met.append((inside, tap[inside]))
        (rows, up), (columns, left) = met
        total = (source[n][np.ix_(rows, columns)] * weights[c][np.ix_(up, left)]).sum()
        sums.append(total + (0.0 if bias is None else bias.ravel()[c]))
    return np.array(sums)


def resize_bilinear(
    source: Array, options: ResizeOptions, shape: tuple[int, ...], places: Array
) -> Array:
    """float64 [places] of the output `shape`: between the four places of `source` [n, y, x, c] around it."""
    n, y, x, c = np.unravel_index(places, shape)
    (top, bottom, down), (left, right, over) = (
        _between(at, source.shape[d], shape[d], options) for d, at in ((1, y), (2, x))
    )
    above = source[n, top, left, c] * (1 - over) + source[n, top, right, c] * over
    below = source[n, bottom, left, c] * (1 - over) + source[n, bottom, right, c] * over
    return np.asarray(above * (1 - down) + below * down)


def resize_nearest(
    source: Array, options: ResizeOptions, shape: tuple[int, ...], places: Array
) -> Array:
    """float64 [places] of the output `shape`: each the place of `source` [n, y, x, c] that is nearest, or before it."""
    n, y, x, c = np.unravel_index(places, shape)
    row, column = (_nearest(at, source.shape[d], shape[d], options) for d, at in ((1, y), (2, x)))
    return np.asarray(source[n, row, column, c])


def _nearest(at: Array, size: int, out: int, options: ResizeOptions) -> Array:
    middle = 0.5 if options.half_pixel_centers else 0.0
    if options.align_corners:
        step = (size - 1) / (out - 1) if out > 1 else size / out
        where = np.floor((at + middle) * step + 0.5)
    else:
        where = np.floor((at + middle) * size / out)
    return np.asarray(np.minimum(where.astype(int), size - 1))


def _between(at: Array, size: int, out: int, options: ResizeOptions) -> tuple[Array, Array, Array]:
    """Along one side: the places before and behind, and how far from the former to the latter."""
    corners = options.align_corners and out > 1
    step = (size - 1) / (out - 1) if corners else size / out
    middle = 0.5 if options.half_pixel_centers else 0.0
    where = np.clip((at + middle) * step - middle, 0.0, size - 1)
    before = np.floor(where).astype(int)
    return before, np.minimum(before + 1, size - 1), where - before

"""R1: multipliers of a few bits, where the channels of a layer have very different scales."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from host.npu.compiler.constant import Integers, Reals
from model_gen.codegen.neural_art.lint.effects import (
    Observed,
    reach,
    real_multipliers,
    with_constants,
)
from model_gen.codegen.neural_art.lint.finding import (
    BOTH,
    INFERRED,
    PROVED,
    Hit,
    Remedy,
    rule,
)
from model_gen.codegen.neural_art.lint.subject import Subject, where

COARSE = 127  # below it, half a step of the multiplier is half a step of a full output
_SPREAD = 1 << 8  # of the scales, with which the smallest multiplier is at least 64
_X1_MAX = 32767
_STEPS = 255
_MOST_FACTOR = 1 << 16  # of a channel that is all but dead


@rule(
    "R1",
    "coarse-multiplier",
    "warning",
    reads=BOTH,
    limit=0.5,
    says="A channel's multiplier is so small a whole number that rounding it moves the output by "
    "more than the limit, in steps: the weight scales of the layer differ too much.",
    mend="clip the small weight scales of the layer to a 256th of its largest, prune channels that "
    "are dead, or equalize its channels with those of the layer that reads them",
)
def coarse_multiplier(subject: Subject, limit: float) -> Iterator[Hit]:
    if subject.model is None:
        yield from _written(subject, limit)
    for observed in subject.products:
        yield from _predicted(subject, observed, limit)


def _predicted(subject: Subject, observed: Observed, limit: float) -> Iterator[Hit]:
    assert subject.model is not None
    layer = observed.layer
    multipliers = np.abs(layer.requantization.multipliers)
    sizes = _sizes(observed)
    coarse = np.flatnonzero((multipliers < COARSE) & (sizes > limit))
    if not coarse.size:
        return
    least, most = int(multipliers[coarse].min()), int(multipliers.max())
    gain = float(_gain_errors(observed)[coarse].max())
    yield Hit(
        where(layer),
        f"{_few(coarse)} have multipliers down to {least} of {most}: gain off by up to {gain:.2g}",
        PROVED,
        subject.source,
        float(sizes[coarse].max()),
        tuple(_remedies(subject, observed, coarse)),
    )


def _remedies(subject: Subject, observed: Observed, coarse: Integers) -> Iterator[Remedy]:
    """The better first."""
    clipped, after = _clipped(subject, observed)
    before = observed.steps(observed.layer, coarse.tolist())
    yield from sorted(
        [
            Remedy(
                f"clip the weight scales of the layer to a {_SPREAD}th of its largest",
                f"the smallest multiplier becomes {int(clipped.min())}; the layer is off by at most "
                f"{after:.2f} steps on these inputs, {before:.2f} before",
                after,
            ),
            *_equalized(observed, coarse),
        ],
        key=lambda one: one.steps or 0.0,
    )


def _equalized(observed: Observed, coarse: Integers) -> Iterator[Remedy]:
    """The coarse channels as much larger as the output has room for on the data, in powers of two."""
    low, high = observed.layer.limits
    zero = observed.layer.convolution.output_zero
    moved = np.concatenate(observed.exact)[:, coarse] - zero
    ends = np.where(moved > 0, high - zero, zero - low)
    room = (ends / np.maximum(np.abs(moved), 1e-9)).min(axis=0)
    factors = 2.0 ** np.floor(np.log2(np.maximum(room, 1.0)))
    if (factors < 2).any():
        return
    factors = np.minimum(factors, _MOST_FACTOR)
    real = real_multipliers(observed.layer)[coarse] * factors
    errors = np.abs(np.rint(real) / real - 1) * reach(observed, observed.saturation.largest)[coarse]
    yield Remedy(
        f"equalize: make these channels {_range(factors)} times as large, and what the next layer "
        "reads of them as much smaller (right where nothing but a RELU is between)",
        f"the smallest multiplier of them becomes {int(np.rint(real).min())}; its rounding moves the "
        f"output by at most {errors.max():.2f} of today's steps on these inputs",
        float(errors.max()),
    )


def _range(factors: Reals) -> str:
    low, high = int(factors.min()), int(factors.max())
    return f"{low}" if low == high else f"{low} to {high}"


def _sizes(observed: Observed) -> Reals:
    """By how many output steps the rounding of each multiplier moves the output on the data."""
    return _gain_errors(observed) * reach(observed, observed.saturation.largest)


def _gain_errors(observed: Observed) -> Reals:
    real = real_multipliers(observed.layer)
    got = observed.layer.requantization.multipliers
    return np.asarray(np.abs(np.divide(got, real, out=np.ones_like(real), where=real > 0) - 1))


def _clipped(subject: Subject, observed: Observed) -> tuple[Integers, float]:
    """The layer with its small weight scales raised, and its weights rounded to them: |A_k|, and by how
    many steps the layer is off then."""
    assert subject.model is not None
    convolution = observed.layer.convolution
    scales = np.array(convolution.weight_scales)
    raised = np.maximum(scales, scales.max() / _SPREAD).astype(np.float32).astype(np.float64)
    ratio = (scales / raised)[:, None, None, None]
    changed = replace(
        convolution,
        weights=np.rint(convolution.weights * ratio).astype(np.int64),
        weight_scales=tuple(raised.tolist()),
    )
    layer = with_constants(observed.layer, changed, subject.model.dialect)
    return np.abs(layer.requantization.multipliers), observed.steps(layer)


def _written(subject: Subject, limit: float) -> Iterator[Hit]:
    code = subject.code
    for product in () if code is None else code.products:
        assert code is not None
        multipliers, unit = code.multipliers(product), product.unit
        if multipliers is None or unit is None:
            continue
        sizes = np.abs(multipliers)
        most = _bound(sizes, unit)
        coarse = np.flatnonzero((sizes < COARSE) & (most > limit))
        if not coarse.size:
            continue
        least = int(sizes[coarse].min())
        after = np.maximum(sizes, int(sizes.max()) // _SPREAD)
        yield Hit(
            f"{product.where}, line {product.line}",
            f"{_few(coarse)} of {sizes.size} have multipliers down to {least} of "
            f"{int(sizes.max())}: gain off by up to {0.5 / max(least, 0.5):.2g}",
            INFERRED,
            "network.c and its constants",
            float(most[coarse].max()),
            (
                Remedy(
                    coarse_multiplier.mend,
                    f"clipped, the smallest multiplier becomes {int(after.min())}, and its rounding "
                    f"moves the output by at most {_bound(after, unit).max():.2f} steps",
                    float(_bound(after, unit).max()),
                ),
            ),
        )


def _bound(sizes: Integers, unit: float) -> Reals:
    """Half a unit of the multiplier, times what the sum can be: 16 bits, or a whole output."""
    return np.asarray(np.minimum(_X1_MAX * unit, _STEPS / np.maximum(sizes, 0.5)) * 0.5)


def _few(channels: Integers) -> str:
    shown = ", ".join(map(str, channels[:6].tolist()))
    more = ", .." if channels.size > 6 else ""
    return f"{channels.size} channel{'s' if channels.size > 1 else ''} ({shown}{more})"

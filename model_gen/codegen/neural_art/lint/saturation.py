"""R4: sums that do not fit 16 bits, because the compiler goes by the sum of the weights."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from host.npu.compiler.constant import Integers
from host.npu.compiler.convolution import Convolution
from host.npu.compiler.convolution_layer import ConvolutionLayer, accumulator_shift
from host.npu.compiler.saturation import sum_for_shift
from model_gen.codegen.neural_art.lint.effects import Observed, gains, with_constants
from model_gen.codegen.neural_art.lint.finding import (
    BOTH,
    INFERRED,
    MEASURED,
    MODEL,
    Hit,
    Remedy,
    rule,
)
from model_gen.codegen.neural_art.lint.subject import Subject, where

_W_MAX = 127
_GROUPS = (2, 4, 8, 16)
_ROOM = 1.0  # bits that sums on data must leave before the worst case is of no interest
_STEPS = 255


@rule(
    "R4",
    "saturation",
    "error",
    reads=BOTH,
    limit=1.0,
    says="Sums of a layer are beyond 16 bits on given inputs and are cut off, which moves the "
    "output by more than the limit, in steps: "
    "log2(max |sum|) - 15 is above cs, the shift that the compiler finds from the sum of the "
    "weights, which kernels of mean zero do not have.",
    mend="add one kernel with a large sum to the layer and drop its output, or divide the layer "
    "into groups of channels",
)
def saturation(subject: Subject, limit: float) -> Iterator[Hit]:
    if not subject.is_real:
        return
    if not any(observed.saturation.cut_off for observed in subject.products):
        yield from _seen(subject)  # without a model, or with one that did not predict it
    for observed in subject.products:
        found = observed.saturation
        if found.cut_off and _moved(observed) > limit:
            yield Hit(
                where(observed.layer),
                f"{found.cut_off:,} of {found.sums:,} sums cut off in {len(found.kernels)} "
                f"kernels: a shift of {found.need.max():.2f} is needed, the compiler gives "
                f"{found.shift}",
                MEASURED,
                subject.source,
                _moved(observed),
                tuple(_remedies(subject, observed)),
            )


@rule(
    "R4",
    "saturation-risk",
    "warning",
    reads=MODEL,
    limit=1.4,  # of the public networks that are right on boards, none has more
    says="Sums of a layer are cut off, on inputs made up or so that it moves the output by no more "
    "than a step; or some input takes them more than the limit, in bits, beyond what 16 bits hold, "
    "and no given inputs show that they stay a bit below it (those of a single value show nothing).",
    mend="give real inputs with --inputs, so that it is known whether this happens; if so, as for "
    "saturation",
)
def saturation_risk(subject: Subject, limit: float) -> Iterator[Hit]:
    shown = subject.is_real and subject.is_varied
    for observed in subject.products:
        layer, worst, found = observed.layer, observed.worst, observed.saturation
        excess = float(worst.need.max()) - worst.shift
        room = worst.shift - float(found.need.max())
        if found.cut_off:
            told = subject.is_real and _moved(observed) > (saturation.limit or 0)
        else:
            told = excess <= limit or (shown and room >= _ROOM)
        if told:
            continue
        cut = f", {found.cut_off:,} of {found.sums:,} sums cut off" if found.cut_off else ""
        over = worst.largest - 2.0 ** (15 + worst.shift)
        steps = float(np.clip(over * gains(layer.convolution), 0, _STEPS).max())
        measured = bool(found.cut_off) and subject.is_real
        cs = _shift_for(float(worst.need.max()))
        yield Hit(
            where(layer),
            f"the worst input needs a shift of {worst.need.max():.2f}, the compiler gives "
            f"{worst.shift}; on {len(subject.inputs)} {subject.data} {found.need.max():.2f}{cut}",
            MEASURED if measured else INFERRED,
            subject.source,
            _moved(observed) if measured else steps,
            (_dummy_kernel(subject, observed, cs, float(worst.need.max())),),
        )


def _seen(subject: Subject) -> Iterator[Hit]:
    """What the executor saw of the convolution units of network.c."""
    products = () if subject.code is None else subject.code.products
    nodes = {product.epoch: product.node for product in products}
    for seen in subject.seen:
        if seen.unit.startswith("CONVACC") and seen.saturated:
            node = nodes.get(seen.epoch, "convolution")
            yield Hit(
                f"{node}, epoch {seen.epoch}, {seen.unit}",
                f"{seen.saturated:,} of {seen.results:,} sums cut off, the largest is {seen.peak:,}",
                MEASURED,
                f"executor, {len(subject.inputs)} {subject.data}",
                None,
                (Remedy(saturation.mend),),
            )


def _moved(observed: Observed) -> float:
    """By how many steps at most the outputs of kernels whose sums are cut off are wrong."""
    return observed.steps(observed.layer, list(observed.saturation.kernels) or None)


def _shift_for(need: float) -> int:
    return max(0, int(np.ceil(need)))


def _remedies(subject: Subject, observed: Observed) -> Iterator[Remedy]:
    yield _dummy_kernel(subject, observed, _shift_for(float(observed.saturation.need.max())))
    groups = _groups(subject, observed)
    if groups is not None:
        yield groups


def _dummy_kernel(
    subject: Subject, observed: Observed, shift: int, worst: float | None = None
) -> Remedy:
    """One more kernel that raises cs: what the layer gives with the cs of all of them."""
    assert subject.model is not None
    layer = observed.layer
    convolution = layer.convolution
    total = sum_for_shift(shift)
    places = convolution.taps * convolution.channels
    extra = "a channel to its input, with a kernel" if convolution.depthwise else "a kernel"
    change = f"add {extra} whose weights sum to {total:,} and drop its output"
    if total > places * _W_MAX:
        return Remedy(change, f"it has {places} weights, too few for such a sum")
    cs = int(accumulator_shift(_with_kernel(convolution, total)).value)
    changed = with_constants(layer, convolution, subject.model.dialect, cs)
    kernels = list(observed.saturation.kernels) or None
    after = Observed(changed, observed.inputs)
    steps = observed.steps(changed, kernels)
    needed = "" if worst is None else f", the worst input needs {worst:.2f}"
    return Remedy(
        change,
        f"cs becomes {cs}{needed}; {after.saturation.cut_off:,} sums are cut off on these inputs, and the "
        f"layer is off by at most {steps:.2f} steps",
        steps,
    )


def _with_kernel(convolution: Convolution, total: int) -> Integers:
    """The weights with a further kernel of that sum."""
    row = np.zeros((1, *convolution.weights.shape[1:]), np.int64)
    full, rest = divmod(total, _W_MAX)
    row.reshape(-1)[:full] = _W_MAX
    if rest:
        row.reshape(-1)[full] = rest
    return np.concatenate([convolution.weights, row])


def _groups(subject: Subject, observed: Observed) -> Remedy | None:
    """The fewest groups of channels whose sums all fit, each with a cs of its own; None for none."""
    convolution = observed.layer.convolution
    if convolution.depthwise:
        return None
    for count in _GROUPS:
        if convolution.channels % count:
            break
        width = convolution.channels // count
        parts = [_part(observed, slice(at * width, (at + 1) * width)) for at in range(count)]
        if not any(part.saturation.cut_off for part in parts):
            shifts = ", ".join(str(part.layer.shift) for part in parts)
            return Remedy(
                f"divide it into {count} groups of channels and add their outputs",
                f"no sum of a group is cut off on these inputs; cs {shifts}",
            )
    return None


def _part(observed: Observed, channels: slice) -> Observed:
    layer = observed.layer
    weights = layer.convolution.weights[..., channels]
    convolution = replace(layer.convolution, weights=weights)
    whole = replace(layer.passes, groups=(slice(None),))
    part: ConvolutionLayer = replace(
        layer,
        convolution=convolution,
        passes=whole,
        shift=int(accumulator_shift(weights).value),
    )
    return Observed(part, tuple(value[..., channels] for value in observed.inputs))

"""Why a layer of the NPU differs from TFLite's by more than a step, and what shows it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from host.npu.arithmetic import TIE_RULES
from host.npu.comparison.judge import Judge
from host.npu.comparison.steps import distance
from host.npu.comparison.without import COARSE, IMPAIRMENTS, without
from host.npu.compiler.addition_layer import AdditionLayer
from host.npu.compiler.constant import UNKNOWN
from host.npu.compiler.convolution_layer import ConvolutionLayer
from host.npu.compiler.layer import SOFTWARE, UNKNOWN_OP, Layer
from host.npu.compiler.mean_layer import MeanLayer
from host.npu.compiler.requantization import TwoSteps
from model_gen.codegen.tflite.graph import Array

ROUNDING, FUSED_STEP = "rounding", "a step of a fused layer"
SOFTWARE_EPOCH, NOT_MODELLED = "software epoch", "not modelled"
TIES, LAYOUT, UNEXPLAINED = "other ties", "layout", "unexplained"
# What is no property of the NPU's arithmetic: a fault, for which no budget is given.
FAULTS = (TIES, LAYOUT, UNEXPLAINED)
NO_BUDGET = (*FAULTS, NOT_MODELLED)


@dataclass(frozen=True)
class Cause:
    """A cause, by name, and what shows it.

    Attributes:
        names: of it, what explains most first; one of FAULTS alone, or arithmetic.
        evidence: in words and figures.
    """

    names: tuple[str, ...]
    evidence: str

    @property
    def text(self) -> str:
        return ", ".join(self.names)

    @property
    def is_fault(self) -> bool:
        return any(name in FAULTS for name in self.names)

    @property
    def gives_budget(self) -> bool:
        return not any(name in NO_BUDGET for name in self.names)


@dataclass(frozen=True, eq=False)
class Case:
    """A layer on one vector.

    Attributes:
        layer: of the compiler model.
        inputs: as the NPU had them, what it fused away as the compiler model has it.
        got: the NPU's.
        want: the reference's, of the same seen inputs.
        predicted: the compiler model's, likewise.
        inner: the layers before it that were fused away, as the compiler model has them.
        rule: for ties.
        unit: of floats, what counts as a step; None: they have none.
    """

    layer: Layer
    inputs: Sequence[Array]
    got: Array
    want: Array
    predicted: Array
    inner: Sequence["Inner"]
    rule: str
    unit: float | None = None


@dataclass(frozen=True, eq=False)
class Inner:
    """A fused layer: what it reads, and what it gives."""

    layer: Layer
    inputs: Sequence[Array]
    got: Array


def cause_of(case: Case, judge: Judge) -> Cause:
    """The cause of a difference."""
    if not np.array_equal(case.got, case.predicted):
        return _not_predicted(case)
    if distance(case.got, case.want, case.unit).max(initial=0) <= 1:
        return Cause((ROUNDING,), "the NPU rounds more often than TFLite, and ties otherwise")
    found = [_own(one, judge) for one in (*case.inner, Inner(case.layer, case.inputs, case.got))]
    causes = [cause for cause in found if cause is not None]
    if not causes:
        ops = ", ".join(f"op {one.layer.op.index}" for one in case.inner)
        return Cause(
            (FUSED_STEP,),
            f"{ops}, which was not seen, and the layer itself are at most a step off each: "
            "a step of the former is magnified",
        )
    names = tuple(dict.fromkeys(name for cause in causes for name in cause.names))
    if len(names) > 1 and UNEXPLAINED in names:
        names = (UNEXPLAINED,)
    return Cause(names, "; ".join(cause.evidence for cause in causes))


def _own(one: Inner, judge: Judge) -> Cause | None:
    """The cause of one layer's own fault; None where that is at most a step."""
    want = judge.one(one.layer, one.inputs)
    if distance(one.got, want).max(initial=0) <= 1:
        return None
    cause = _arithmetic(one, want)
    return Cause(cause.names, f"op {one.layer.op.index}: {cause.evidence}")


def _not_predicted(case: Case) -> Cause:
    apart = int((case.got != case.predicted).sum())
    hows = {one.how: one.op for one in (*(inner.layer for inner in case.inner), case.layer)}
    if UNKNOWN_OP in hows:
        op = hows[UNKNOWN_OP]
        return Cause(
            (NOT_MODELLED,),
            f"nothing is known of what the compiler makes of op {op.index}, {op.name}: {apart} of "
            f"{case.got.size} values differ from the reference's",
        )
    if SOFTWARE in hows and distance(case.got, case.predicted, case.unit).max() <= 1:
        op = hows[SOFTWARE]
        return Cause(
            (SOFTWARE_EPOCH,),
            f"op {op.index}, {op.name} runs on the processor, with arithmetic of its own: {apart} "
            f"of {case.got.size} values differ from the reference's",
        )
    if SOFTWARE in hows and case.inner:
        op = hows[SOFTWARE]
        return Cause(
            (NOT_MODELLED,),
            f"op {op.index}, {op.name} runs on the processor, and a step of it may grow in the "
            f"fused layers: {apart} of {case.got.size} values are not the predicted ones",
        )
    if SOFTWARE in hows:
        op = hows[SOFTWARE]
        return Cause(
            (UNEXPLAINED,),
            f"op {op.index}, {op.name} runs on the processor, which may be a step off, not more",
        )
    for rule in TIE_RULES:
        if rule != case.rule and not case.inner:
            (made, *_) = case.layer.compute(case.inputs, rule)
            if np.array_equal(case.got, made):
                return Cause((TIES,), f"every value is that of ties by the rule {rule}")
    dropped = _dropped(case)
    if dropped:
        return Cause((COARSE,), f"the compiler wrote the multiplier 0 for {dropped}")
    order = _order(case.got, case.predicted)
    if order:
        return Cause((LAYOUT,), f"the predicted values in another order: {order}")
    return Cause(
        (UNEXPLAINED,),
        f"{apart} of {case.got.size} values are not those that the compiler model predicts from "
        "the same inputs: another constant, another input, or a fault",
    )


def _order(got: Array, want: Array) -> str:
    """How the values of `want` were put elsewhere to give `got`; "" where they were not."""
    if not np.array_equal(np.sort(got, axis=None), np.sort(want, axis=None)):
        return ""
    if got.ndim == 4:
        turned = {
            "channels first": (0, 3, 1, 2),
            "rows and columns exchanged": (0, 2, 1, 3),
            "rows behind channels": (0, 2, 3, 1),
        }
        for name, axes in turned.items():
            if np.array_equal(want.transpose(axes).reshape(got.shape), got):
                return name
        channels = want.reshape(-1, want.shape[-1]).T
        places = {column.tobytes(): k for k, column in enumerate(channels)}
        moved = [places.get(column.tobytes()) for column in got.reshape(-1, got.shape[-1]).T]
        if None not in moved:
            changed = [k for k, source in enumerate(moved) if source != k]
            return f"channels exchanged: {', '.join(map(str, changed[:8]))}"
    return "the same values at other places"


def _dropped(case: Case) -> str:
    """Channels of a tiny scale whose multipliers dialect 2.1 writes as 0; "" for none."""
    layer = case.layer
    if not isinstance(layer, ConvolutionLayer) or not isinstance(layer.requantization, TwoSteps):
        return ""
    if all(c.grade != UNKNOWN for c in layer.constants if c.kind == "A_k"):
        return ""
    axes = tuple(range(case.got.ndim - 1))
    channels = (case.got != case.predicted).any(axis=axes)
    multipliers = np.where(channels, 0, layer.requantization.multipliers)
    steps = replace(layer.requantization, multipliers=multipliers)
    (made,) = replace(layer, requantization=steps).compute(case.inputs, case.rule)
    if not np.array_equal(made, case.got):
        return ""
    return f"{int(channels.sum())} channels of tiny scales, as dialect 2.1 does for some"


def _arithmetic(one: Inner, want: Array) -> Cause:
    """Which impairments of a layer explain what is more than a step off its own reference."""
    far = distance(one.got, want) > 1
    count = int(far.sum())
    layer = one.layer
    if isinstance(layer, ConvolutionLayer):
        found = _impairments(layer, one.inputs[0], want, far)
        if found is not None:
            return found
    if isinstance(layer, AdditionLayer | MeanLayer):
        return Cause(
            (COARSE,),
            "its multipliers have 16 bits for scales that far apart: "
            + ", ".join(f"{c.kind} {c.value}" for c in layer.constants[:4]),
        )
    return Cause(
        (UNEXPLAINED,), f"{count:,} values are more than a step off, as the compiler model predicts"
    )


def _impairments(
    layer: ConvolutionLayer, value: Array, want: Array, far: npt.NDArray[np.bool_]
) -> Cause | None:
    """What of a convolution explains it; None where nothing does."""
    count = int(far.sum())
    gains = []
    for name in IMPAIRMENTS:
        left = without(layer, value, name, far)
        if left is not None:
            gain = count - int((distance(left.value, want) > 1).sum())
            gains.append((gain, name, left.evidence))
    # What explains half of it comes in the order of IMPAIRMENTS: sums that pass 16 bits are rounded
    # at each pass, so that without any rounding these are gone as well.
    gains.sort(key=lambda one: -one[0] if 2 * one[0] < count else -count)
    told = [one for one in gains if 10 * one[0] >= count]
    if not told:
        return None
    return Cause(
        tuple(name for _, name, _ in told),
        "; ".join(
            f"without {name} {gain:,} of {count:,} are no longer more than a step off ({evidence})"
            for gain, name, evidence in told
        ),
    )

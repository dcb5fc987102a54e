"""R2: sums that pass through 16 bits several times, each time rounded."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from host.npu.compiler.passes import channel_passes
from model_gen.codegen.neural_art.lint.effects import Observed, gains
from model_gen.codegen.neural_art.lint.finding import (
    BOTH,
    INFERRED,
    PROVED,
    Hit,
    Remedy,
    rule,
)
from model_gen.codegen.neural_art.lint.subject import Subject, where


def noise(passes: int, steps: float) -> float:
    """The standard deviation that `passes` roundings add, each to a unit of `steps` output steps."""
    return float(np.sqrt(passes / 12) * steps)


@rule(
    "R2",
    "partial-sums",
    "warning",
    reads=BOTH,
    limit=0.25,
    says="The channels of a layer do not fit one pass, and its sums go through 16 bits in between: "
    "the roundings add more noise than the limit, in steps of the output (a standard deviation).",
    mend="give the layer fewer input channels, at most 128 for each of the units that are chained, "
    "or divide it into groups of channels",
)
def partial_sums(subject: Subject, limit: float) -> Iterator[Hit]:
    if subject.code is not None and subject.code.memory is not None and subject.code.products:
        yield from _written(subject, limit)
        return
    for observed in subject.products:
        yield from _predicted(subject, observed, limit)


def _predicted(subject: Subject, observed: Observed, limit: float) -> Iterator[Hit]:
    layer = observed.layer
    passes = len(layer.passes.groups)
    unit = float((gains(layer.convolution) * 2.0**layer.shift).max())
    size = noise(passes, unit)
    if passes == 1 or size <= limit:
        return
    yield Hit(
        where(layer),
        f"{layer.convolution.channels} channels in {passes} passes through 16 bits, in units of "
        f"{unit:.2g} output steps",
        INFERRED,
        subject.source,
        size,
        (_one_pass(observed, unit),),
    )


def _one_pass(observed: Observed, unit: float) -> Remedy:
    layer = observed.layer
    whole = replace(layer, passes=replace(layer.passes, groups=(slice(None),)))
    return Remedy(
        f"give it at most {_channels_of_one_pass(observed)} input channels",
        f"in one pass the layer would be off by at most {observed.steps(whole):.2f} steps on these "
        f"inputs, {observed.steps(layer):.2f} in {len(layer.passes.groups)}",
        noise(1, unit),
    )


def _channels_of_one_pass(observed: Observed) -> int:
    """The most channels, up to its own, that the compiler is predicted to sum in one pass."""
    layer = observed.layer
    rows, width = (layer.shape[1:3]) if len(layer.shape) == 4 else (1, 1)
    for channels in range(layer.convolution.channels - 1, 0, -1):
        weights = layer.convolution.weights[..., :channels]
        passes = channel_passes(
            replace(layer.convolution, weights=weights), width, int(rows) * int(width)
        )
        if passes is not None and len(passes.groups) == 1:
            return channels
    return 1


def _written(subject: Subject, limit: float) -> Iterator[Hit]:
    code = subject.code
    assert code is not None
    for product in code.products:
        multipliers, unit = code.multipliers(product), product.unit
        if product.passes == 1 or multipliers is None or unit is None:
            continue
        whole = float(np.abs(multipliers).max() * unit)
        size = noise(product.passes, whole)
        if size > limit:
            one = noise(1, whole)
            yield Hit(
                f"{product.where}, line {product.line}",
                f"{product.passes} passes through 16 bits at a shift of {product.shift}",
                PROVED,
                "network.c and its constants",
                size,
                (
                    Remedy(
                        partial_sums.mend,
                        f"one pass adds {one:.2f} steps, {size:.2f} now",
                        one,
                    ),
                ),
            )

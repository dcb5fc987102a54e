"""The rule about kernels of mean zero, whose sums the NPU's compiler takes for small."""

from collections.abc import Iterator

import numpy as np

from host.npu.compiler.constant import Integers
from host.npu.compiler.convolution_layer import accumulator_shift
from host.npu.compiler.saturation import shift_needed, worst_sums
from model_gen.codegen.neural_art.lint.saturation import saturation_risk
from model_gen.profile.rules.rule import Hit, Scene, rule
from model_gen.profile.step import Kernels, Step

# Steps less the zero point of an int8 tensor: of one with no values below 0, and of one around 0.
_POSITIVE, _SIGNED = (0, 255), (-128, 127)
_MOST = 127  # of an int8 weight


@rule(
    "zero-mean",
    "warning",
    limit=saturation_risk.limit,
    says="An input that is like the kernel gives sums of more bits beyond 16 than the limit: the "
    "compiler scales a layer's sums by the largest |sum of a kernel's weights|, which is small "
    "where all kernels have a mean near zero, as band-pass filters have. They are then cut off. "
    "Weights that still train are not judged.",
    mend="quantize with --npu-safe, which adds one kernel with a large sum; or divide the layer "
    "into groups of channels",
    source="neural-art.md 12.1 and 12.5: cs by the sum of the weights, and a filterbank's cosine "
    "of 0.756 on boards; the limit as in npu-lint's saturation-risk",
)
def zero_mean(scene: Scene, limit: float) -> Iterator[Hit]:
    for step in scene.steps:
        if step.kernels is None or (step.trains and not scene.trained):
            continue
        weights = _quantized(step.kernels)
        given = int(accumulator_shift(weights).value)
        needed = shift_needed(worst_sums(weights, *_range(step), (slice(None),)))
        wrong = np.flatnonzero(needed > given + limit)
        if wrong.size:
            yield Hit(
                step.name,
                f"{wrong.size} of {len(weights)} kernels: a shift of up to {needed.max():.1f} is "
                f"needed, the compiler gives {given}",
            )


def _range(step: Step) -> tuple[int, int]:
    return _POSITIVE if step.positive else _SIGNED


def _quantized(kernels: Kernels) -> Integers:
    """Symmetric int8 weights, a scale a kernel: what batch normalization multiplies a kernel by does not matter."""
    largest = np.abs(kernels).max(axis=(1, 2, 3), keepdims=True)
    return np.asarray(np.rint(kernels * (_MOST / np.maximum(largest, 1e-30))), np.int64)

"""Passes through 16 bits, as compiled networks have them."""

import numpy as np
import pytest

from host.npu.compiler.accumulators import Window
from host.npu.compiler.constant import FITTED, FORMULA
from host.npu.compiler.convolution_test import layer
from host.npu.compiler.passes import channel_passes

_WINDOW = Window((1, 1), (1, 1), ((0, 0), (0, 0)))


# channels, kernels, pixels of the output, zero point: passes in compiled networks of 2.1 to 4.0.
@pytest.mark.parametrize(
    ("channels", "kernels", "pixels", "zero", "passes"),
    [
        (128, 256, 96, -128, 1),
        (256, 256, 24, -128, 1),
        (512, 512, 24, -128, 2),
        (512, 256, 225, -128, 1),
        (512, 1024, 6, -128, 4),
        (1024, 1024, 6, -128, 8),
        (1024, 10, 1, -128, 8),
        (272, 48, 16, -128, 4),
        (328, 8, 16, -128, 2),
        (200, 24, 64, -128, 1),
        (48, 272, 16, -2, 2),
        (96, 96, 64, 17, 1),
        (72, 80, 256, -12, 1),
        (64, 1, 1, -3, 1),
        (512, 257, 40, -128, 8),
        (88, 2, 256, -128, 1),
    ],
)
def test_passes_are_those_of_compiled_networks(
    channels: int, kernels: int, pixels: int, zero: int, passes: int
) -> None:
    made = layer(np.ones((kernels, 1, 1, channels)), _WINDOW, zero=zero)
    found = channel_passes(made, pixels)
    assert found is not None
    assert found.constant.value == len(found.groups) == passes
    summed = [c for group in found.groups for c in range(channels)[group]]
    assert summed == list(range(channels))


def _grade(channels: int, *, depthwise: bool = False) -> str | None:
    shape = (512, 1, 1, 1) if depthwise else (16, 1, 1, channels)
    made = layer(np.ones(shape), _WINDOW, zero=-128, depthwise=depthwise)
    found = channel_passes(made, 64)
    return None if found is None else found.constant.grade


def test_what_is_never_divided_is_certain_and_the_rest_is_not() -> None:
    assert _grade(128) == _grade(512, depthwise=True) == FORMULA
    assert _grade(130) == FITTED
    assert _grade(257) is None  # a prime: one compiled network has it in software

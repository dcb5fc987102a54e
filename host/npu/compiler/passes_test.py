"""Passes through 16 bits, as compiled networks have them."""

import numpy as np
import pytest

from host.npu.compiler.accumulators import Window
from host.npu.compiler.constant import FITTED, FORMULA, UNKNOWN
from host.npu.compiler.convolution_test import layer
from host.npu.compiler.passes import channel_passes

_WINDOW = Window((1, 1), (1, 1), ((0, 0), (0, 0)))


# channels, kernels, rows and columns, zero point: passes in compiled networks of 2.1 to 4.0.
@pytest.mark.parametrize(
    ("channels", "kernels", "size", "zero", "passes"),
    [
        (128, 256, (12, 8), -128, 1),
        (256, 256, (6, 4), -128, 1),
        (512, 512, (6, 4), -128, 2),
        (512, 256, (15, 15), -128, 1),
        (128, 32, (60, 60), -128, 2),
        (128, 64, (30, 30), -128, 1),
        (64, 32, (60, 60), -128, 1),
        (512, 1024, (3, 2), -128, 4),
        (1024, 1024, (3, 2), -128, 8),
        (1024, 10, (1, 1), -128, 8),
        (272, 48, (4, 4), -128, 4),
        (328, 8, (4, 4), -128, 2),
        (200, 24, (8, 8), -128, 1),
        (48, 272, (4, 4), -2, 2),
        (96, 96, (8, 8), 17, 1),
        (72, 80, (16, 16), -12, 1),
        (64, 1, (1, 1), -3, 1),
        (256, 101, (1, 1), -128, 2),
        (512, 257, (40, 1), -128, 8),
        (88, 2, (16, 16), -128, 1),
    ],
)
def test_passes_are_those_of_compiled_networks(
    channels: int, kernels: int, size: tuple[int, int], zero: int, passes: int
) -> None:
    made = layer(np.ones((kernels, 1, 1, channels)), _WINDOW, zero=zero)
    found = channel_passes(made, size[1], size[0] * size[1])
    assert found is not None
    assert found.constant.value == len(found.groups) == passes
    summed = [c for group in found.groups for c in range(channels)[group]]
    assert summed == list(range(channels))


def _grade(channels: int, *, depthwise: bool = False) -> str | None:
    shape = (512, 1, 1, 1) if depthwise else (16, 1, 1, channels)
    made = layer(np.ones(shape), _WINDOW, zero=-128, depthwise=depthwise)
    found = channel_passes(made, 8, 64)
    return None if found is None else found.constant.grade


def test_what_is_never_divided_is_certain_and_the_rest_is_not() -> None:
    assert _grade(128) == _grade(512, depthwise=True) == FORMULA
    assert _grade(130) == FITTED
    assert _grade(257) is None  # a prime: one compiled network has it in software


def test_dense_kernels_of_several_taps_are_not_known() -> None:
    for channels, grade in ((3, FORMULA), (16, FITTED), (64, UNKNOWN)):
        found = channel_passes(layer(np.ones((16, 3, 3, channels)), _WINDOW), 8, 64)
        assert found is not None
        assert (found.constant.value, found.constant.grade) == (1, grade)

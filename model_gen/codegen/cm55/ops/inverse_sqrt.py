"""1 / sqrt(n) of whole numbers in fixed point, as RSQRT of both references has it.

Formula: GetInvSqrtQuantizedMultiplierExp of kernels/internal/common.h, with gemmlowp's fixed point of 3 integer bits.
"""

import numpy as np

from model_gen.codegen.cm55.quantized_math import doubling_high

_MOST, _LEAST = (1 << 31) - 1, -(1 << 31)
_ONE = 1 << 28  # with 3 integer bits
_HALF_SQRT_2 = 1518500250  # with none


def _times(a: int, b: int) -> int:
    return int(doubling_high(np.array([a], np.int64), b)[0])


def _left(value: int, bits: int) -> int:
    return max(_LEAST, min(_MOST, value << bits))


def inverse_sqrt(value: int) -> tuple[int, int]:
    """(multiplier, shift) with multiplier * 2^(shift - 31) ~ 1 / sqrt(value), value < 2^31; 1 stands for 0.

    Five of Newton's steps from 1, on `value` times a power of 4 in [1/2, 2).
    """
    if value <= 1:
        return _MOST, 0
    right = 11
    while value >= 1 << 29:
        value //= 4
        right += 1
    pairs = (31 - value.bit_length()) // 2 - 1
    right -= pairs
    value <<= 2 * pairs
    half = (value + 2) >> 2  # half of value / 2, with 3 integer bits
    x = _ONE
    for _ in range(5):
        cube = _left(_times(_times(x, x), x), 6)
        x = _left(_times(_ONE + _ONE // 2, x) - _times(half, cube), 3)
    x = _times(x, _HALF_SQRT_2)
    return (x << -right, 0) if right < 0 else (x, -right)

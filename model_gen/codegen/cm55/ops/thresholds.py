"""Two ways of rescaling compared over every accumulator that can occur: by where each output step begins.

Both are monotonic in the accumulator, so that equal beginnings of all steps mean equal results everywhere.
"""

import numpy as np

from model_gen.codegen.tflite.graph import Array

_MAX_CHANNELS = 8192  # beyond, the search would take too long
# Units of a 31-bit multiplier, tried in this order.
_NEAR = (0, 1, -1, 2, -2, 3, -3, 4, -4)


def as_single(requant: Array, scales: Array, reach: Array, clamp: tuple[int, int]) -> Array | None:
    """Multipliers and shifts with which NJ_ROUND_SINGLE gives what NJ_ROUND_REAL gives with `scales` [channels].

    They are those of `requant`, int32 [channels, 2], or next to them; None where there are none.
    `reach`: the largest magnitude of each channel's accumulator; `clamp`: the least and the greatest result that count.
    """
    if (
        len(reach) > _MAX_CHANNELS
        or (reach >= 1 << 31).any()
        or (requant[:, 0] <= 0).any()
        or (requant[:, 1] > 30).any()
    ):
        return None
    found = requant.copy()
    for channel, (multiplier, shift) in enumerate(requant):
        for near in _NEAR:
            tried = int(multiplier) + near
            if 1 << 30 <= tried < 1 << 31 and _same(
                tried, int(shift), float(scales[channel]), int(reach[channel]), clamp
            ):
                found[channel, 0] = tried
                break
        else:
            return None
    return found


def _same(multiplier: int, shift: int, scale: float, reach: int, clamp: tuple[int, int]) -> bool:
    total = 31 - shift
    steps = range(clamp[0] + 1, clamp[1] + 1)
    # Smallest accumulator with (acc * multiplier + half) >> total >= step.
    begins = [-((-((2 * k - 1) << (total - 1))) // multiplier) for k in steps]
    first = np.array([max(-reach, min(reach + 1, b)) for b in begins], np.int64)
    wanted = np.array(steps, np.int64)
    # At the beginning the other rule must have reached the step, one before it must not; ends of the reach apart.
    reached = real(first, scale) >= wanted
    before = real(first - 1, scale) >= wanted
    return bool((reached | (first > reach)).all() and not (before & (first > -reach)).any())


def real(accumulators: Array, scale: float) -> Array:
    """NJ_ROUND_REAL: the IEEE double product, rounded half away from zero."""
    value = accumulators.astype(np.float64) * scale
    whole = np.trunc(value)
    return (whole + (value >= whole + 0.5) - (value <= whole - 0.5)).astype(np.int64)

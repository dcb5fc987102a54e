"""Random and hostile values for the kernels' tests. SPDX-License-Identifier: MIT"""

from __future__ import annotations

import numpy as np
import testing_kernels as k
from numpy.typing import NDArray
from testing_models import run_tflite, run_tflm
from testing_ops import Q

JUDGES = {"tflite": run_tflite, "tflm": run_tflm}
"""The references by the name of the rounding rule that reproduces them."""

FULLY_CONNECTED_ROUNDING = {"tflite": k.REAL, "tflm": k.DOUBLE}


class Values:
    """A seeded source of tensors and quantizations."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def steps(self, *shape: int) -> NDArray[np.int8]:
        """int8 over the whole range; one time in eight only the extremes."""
        if self.rng.integers(8) == 0:
            return self.rng.choice(np.array([-128, 127], np.int8), shape)
        return self.rng.integers(-128, 128, shape).astype(np.int8)

    def scale(self, low: float = 0.002, high: float = 0.1) -> float:
        """A float32 scale; one time in three a power of two, which makes ties frequent."""
        if self.rng.integers(3) == 0:
            return float(2.0 ** -self.rng.integers(3, 9))
        return float(np.float32(np.exp(self.rng.uniform(np.log(low), np.log(high)))))

    def zero_point(self) -> int:
        return int(self.rng.choice([-128, 127, 0, int(self.rng.integers(-128, 128))]))

    def quantization(self, low: float = 0.002, high: float = 0.1) -> Q:
        return Q(self.scale(low, high), self.zero_point())

    def near_ties(self, scale: float, count: int) -> NDArray[np.int32]:
        """Accumulators whose scaled value is within a step of some n + 1/2, and some beyond int8."""
        aim = (self.rng.integers(-300, 300, count) + 0.5) / scale + self.rng.integers(-1, 2, count)
        return np.clip(np.rint(aim), -(2.0**31), 2.0**31 - 1).astype(np.int32)

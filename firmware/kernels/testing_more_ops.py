"""As testing_ops.py: the kernels that choose among steps or move them. SPDX-License-Identifier: MIT"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
import testing_kernels as k
from testing_ops import Int8, Runner, call


def reduced(library: ctypes.CDLL | Runner, name: str, x: Int8, axes: Sequence[int]) -> Int8:
    """reduce_max or reduce_min of a 4-dimensional x over axes, dimensions kept."""
    four = k.I32 * 4
    op = k.Reduce(four(*x.shape), four(*(int(d in axes) for d in range(4))))
    shape = [1 if d in axes else x.shape[d] for d in range(4)]
    return call(library, f"nj_{name}_s8", op, [x], np.empty(shape, np.int8))

"""The target's kernels that keep something, Helium included, compute the bytes of the scalar ones.

SPDX-License-Identifier: MIT
"""

from __future__ import annotations

import ctypes
import itertools
from pathlib import Path

import numpy as np
import pytest
import testing_more_ops as more
import testing_qemu as qemu
from testing_data import Values
from testing_qemu import Both

pytestmark = pytest.mark.skipif(
    qemu.missing() is not None, reason=f"{qemu.missing()} is not installed"
)


def test_svdf(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    both, values = Both(kernels), Values(18)
    draw = values.rng.integers
    for i in range(80):
        batches, inputs, units, rank, memory = (int(n) for n in draw(1, (3, 50, 9, 4, 30)))
        filters = units * rank
        weights = values.steps(filters, inputs), draw(-(2**15), 2**15, (filters, memory), np.int16)
        state = draw(-(2**15), 2**15, (batches, filters, memory), np.int16)
        biases = np.zeros(filters, np.int32), draw(-(2**20), 2**20, units).astype(np.int32)
        # Half of the memory's places beyond int16, so that they are cut off; sums over time wrap.
        scales = float(2.0 ** draw(-6, 3)), float(2.0 ** draw(-26, -20)) * 1.3
        zeros = values.zero_point(), values.zero_point()
        x = values.steps(batches, inputs)
        both(f"svdf {i}", more.svdf, x, weights, biases, state, scales, zeros)
    both.check(runner, tmp_path)


@pytest.mark.parametrize("table", [False, True])
def test_logistic_and_tanh(kernels: ctypes.CDLL, runner: Path, tmp_path: Path, table: bool) -> None:
    """All int16, of every number of integer bits."""
    both, every = Both(kernels), np.arange(-(2**15), 2**15, dtype=np.int16)
    both("logistic", more.squash, every, False, 3, table)
    for bits in range(7):
        both(f"tanh of {bits} integer bits", more.squash, every, True, bits, table)
    both.check(runner, tmp_path)


@pytest.mark.parametrize("table", [False, True])
def test_lstm(kernels: ctypes.CDLL, runner: Path, tmp_path: Path, table: bool) -> None:
    """Both ways to squash; gates far beyond their range among them."""
    both, values = Both(kernels), Values(19)
    draw = values.rng.integers
    odd = list(itertools.product((2,), (3,), (1, 3, 16, 17), (1, 3, 8, 17)))
    for i in range(40 + len(odd)):
        drawn = odd[i] if i < len(odd) else draw(1, (3, 4, 40, 30))
        batches, steps, inputs, units = (int(n) for n in drawn)
        bits, clip = int(draw(7)), int(draw(2**15)) * int(draw(2))
        x = values.steps(batches, steps, inputs)
        weights = values.steps(4, units, inputs), values.steps(4, units, units)
        biases = draw(-(2**15), 2**15, (2, 4, units)).astype(np.int32)
        scales = 2.0 ** draw(-6, 1, (2, 4)) * 1.1
        held = draw(-(2**15), 2**15, (batches, units), np.int16), values.steps(batches, units)
        form = (bits, clip, values.zero_point(), table)
        both(f"lstm {i}", more.lstm, x, weights, biases, scales, held, form)
    both.check(runner, tmp_path)

"""Helium unpacks weights to the bytes of the scalar path. SPDX-License-Identifier: MIT"""

from __future__ import annotations

import ctypes
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
BEHIND = 72  # bytes that follow a stream
MOST = 18  # bytes of a row: those of 16 weights that are not 0, and which they are


def test_unpacking(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    """Any bits at all are a stream: of every kind of row, by values and by tables; every third one ends too soon."""
    both, values = Both(kernels), Values(21)
    draw = values.rng.integers
    for i in range(60):
        groups, blocks = (int(n) for n in draw(1, 6, 2))
        rows, group_rows = 4 * groups * blocks, 4 * blocks
        kinds = draw(0, 16 if i % 5 == 0 else 10, rows).astype(np.uint8)
        tables = values.steps(4 * groups, 16) if i % 2 else None
        halves = (kinds[::2] | kinds[1::2] << 4).astype(np.uint8)
        data = draw(0, 256, (MOST * rows if i % 3 else rows) + BEHIND).astype(np.uint8)
        both(f"unpack {i}", more.unpack, rows, group_rows, halves, data, tables)
    both.check(runner, tmp_path)

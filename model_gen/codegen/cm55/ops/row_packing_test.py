"""Rows that are packed come back as they were: by the decoder here, and by the C."""

import ctypes
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.installed import FIRMWARE
from model_gen.codegen.cm55.ops.row_packing import BEHIND, SPARSE, Packed, pack, unpack
from model_gen.codegen.tflite.graph import Array


class _Struct(ctypes.Structure):
    """struct nj_packed_weights."""

    _fields_ = (
        ("rows", ctypes.c_int32),
        ("group_rows", ctypes.c_int32),
        ("bytes", ctypes.c_int32),
        ("kinds", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
        ("tables", ctypes.c_void_p),
    )


@pytest.fixture(scope="module")
def unpack_c(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """nj_unpack_s8 of the scalar path, by what it writes."""
    target = tmp_path_factory.mktemp("unpack") / "unpack.so"
    source = FIRMWARE / "kernels" / "unpack_s8.c"
    command = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2", "-shared"]
    subprocess.run([*command, "-fPIC", "-o", target, source], check=True, timeout=600)
    return ctypes.CDLL(str(target)).nj_unpack_s8


def _by_c(function: Any, packed: Packed) -> Array:
    gap = np.full(packed.unpacked + 16, 0x5A, np.int8)
    tables = None if packed.tables is None else packed.tables.ctypes.data
    data = np.append(packed.data, np.zeros(BEHIND, np.uint8))
    op = _Struct(
        *(packed.rows, packed.group_rows, len(packed.data)),
        *(packed.kinds.ctypes.data, data.ctypes.data, tables),
    )
    function(ctypes.byref(op), gap.ctypes.data_as(ctypes.c_void_p))
    assert (gap[packed.unpacked :] == 0x5A).all()
    return gap[: packed.unpacked]


@st.composite
def _weights(draw: st.DrawFn) -> Array:
    """int8 [group][block][4][16] of all kinds of rows: wide, narrow, mostly zeros, of few values a channel."""
    groups, blocks = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    shape = groups, blocks, 4, 16
    if draw(st.booleans()):
        values = random.integers(-128, 128, (groups, 1, 4, draw(st.integers(1, 16))))
        which = random.integers(0, values.shape[-1], shape)
        made = np.take_along_axis(np.broadcast_to(values, (*shape[:3], values.shape[-1])), which, 3)
    else:
        bits = random.integers(0, 8, (*shape[:3], 1))
        made = np.clip(random.normal(0, 1, shape) * 2.0 ** (bits - 1), -128, 127)
        edges = random.random(shape) < draw(st.sampled_from([0, 0.01]))
        made = np.where(edges, random.choice([-128, 127, -1, -64, 63, 64], shape), made)
    kept = random.random(shape) < draw(st.sampled_from([0.1, 0.5, 1.0, 1.0]))
    return np.where(kept, made, 0).astype(np.int8)


@settings(max_examples=150, deadline=None)
@given(weights=_weights())
def test_what_is_packed_comes_back(unpack_c: Any, weights: Array) -> None:
    packed = pack(weights)
    assert np.array_equal(unpack(packed), weights.ravel())
    assert np.array_equal(_by_c(unpack_c, packed), weights.ravel())


def test_every_kind_takes_the_bytes_that_it_should(unpack_c: Any) -> None:
    rows = np.zeros((1, 3, 4, 16), np.int8)
    for row, (low, high) in enumerate(
        [(0, 0), (-1, 0), (-2, 1), (-4, 3), (-8, 7), (-16, 15), (-32, 31), (-64, 63), (-65, 64)]
    ):
        rows.reshape(-1, 16)[row] = np.resize([low, high], 16) if row else 0
    # Channel 3 has few values only here and there; the others keep the tables away.
    rows.reshape(-1, 16)[9] = np.arange(-100, 60, 10)
    rows.reshape(-1, 16)[10, 3] = 100
    packed = pack(rows)
    assert packed.tables is None
    assert [packed.count(kind) for kind in range(9)] == [2, 1, 1, 1, 1, 1, 1, 1, 2]
    assert packed.count(SPARSE) == 1
    assert len(packed.data) == 2 * (1 + 2 + 3 + 4 + 5 + 6 + 7) + 2 * 16 + 3
    assert np.array_equal(_by_c(unpack_c, packed), rows.ravel())


def test_sixteen_values_a_channel_are_indices_of_four_bits() -> None:
    random = np.random.default_rng(3)
    values = np.stack([random.choice(256, 16, replace=False) - 128 for _ in range(8)])
    which = random.integers(0, 16, (2, 30, 4, 16))
    weights = np.take_along_axis(
        np.broadcast_to(values.reshape(2, 1, 4, 16), which.shape), which, 3
    ).astype(np.int8)
    packed = pack(weights)
    assert packed.tables is not None
    assert packed.bytes <= weights.size // 2 + weights.size // 32 + 8 * 16 + BEHIND
    assert np.array_equal(unpack(packed), weights.ravel())


_DAMAGED = r"""
#include <stdlib.h>
#include <string.h>
#include "nj_kernels.h"

/* Streams of drawn bits, each part in memory of exactly its size. */
int main(void)
{
    srand(1);
    for (int turn = 0; turn < 4000; turn++) {
        const int32_t blocks = 1 + rand() % 5, groups = 1 + rand() % 3, rows = 4 * blocks * groups;
        const int32_t bytes = rand() % (18 * rows);
        uint8_t *kinds = malloc((size_t)rows / 2), *data = malloc((size_t)bytes + 72);
        int8_t *tables = turn % 2 ? malloc((size_t)groups * 64) : NULL, *weights = malloc(16 * (size_t)rows);
        for (int32_t i = 0; i < rows / 2; i++) {
            kinds[i] = (uint8_t)rand();
        }
        for (int32_t i = 0; i < bytes + 72; i++) {
            data[i] = (uint8_t)rand();
        }
        if (tables != NULL) {
            memset(tables, turn, (size_t)groups * 64);
        }
        const struct nj_packed_weights op = {rows, 4 * blocks, bytes, kinds, data, tables};
        nj_unpack_s8(&op, weights);
        free(kinds);
        free(data);
        free(tables);
        free(weights);
    }
    return 0;
}
"""


def test_a_damaged_stream_reads_nothing_beyond_its_memory(tmp_path: Path) -> None:
    kernels = FIRMWARE / "kernels"
    (tmp_path / "damaged.c").write_text(_DAMAGED)
    flags = ["-std=c11", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    sources = [tmp_path / "damaged.c", kernels / "unpack_s8.c"]
    program = tmp_path / "damaged"
    subprocess.run(
        ["gcc", *flags, f"-I{kernels}", *sources, "-o", program], check=True, timeout=600
    )
    done = subprocess.run([program], capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stderr) == (0, "")

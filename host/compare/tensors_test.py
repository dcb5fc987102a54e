"""The comparison against a naive loop, and its edges."""

import struct

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.compare.tensors import compare, distance, from_bytes

Int8 = npt.NDArray[np.int8]


@given(st.lists(st.tuples(st.integers(-128, 127), st.integers(-128, 127)), min_size=1, max_size=60))
def test_against_a_naive_loop(pairs: list[tuple[int, int]]) -> None:
    got = np.array([p[0] for p in pairs], np.int8).reshape(1, -1)
    want = np.array([p[1] for p in pairs], np.int8).reshape(1, -1)
    wrong = [i for i, (a, b) in enumerate(pairs) if a != b]
    difference = compare(got, want)
    if not wrong:
        assert difference is None
        return
    assert difference is not None
    assert difference.index == (0, wrong[0])
    assert (difference.got_first, difference.want_first) == pairs[wrong[0]]
    assert difference.differing == len(wrong)
    assert difference.max_steps == max(abs(a - b) for a, b in pairs)


def test_index_is_nhwc() -> None:
    want = np.zeros((1, 3, 4, 5), np.int8)
    got = want.copy()
    got[0, 2, 1, 3] = 7
    difference = compare(got, want)
    assert difference is not None
    assert difference.index == (0, 2, 1, 3)
    assert difference.positions.sum() == 1


def test_floats_are_compared_by_their_bits() -> None:
    one = np.array([0.0, np.nan, 1.0], np.float32)
    assert compare(one, one.copy()) is None
    difference = compare(np.array([-0.0, np.nan, 1.0], np.float32), one)
    assert difference is not None
    assert difference.differing == 1
    assert difference.max_steps == 0  # two zeros are the same number


@given(st.floats(-(2.0**100), 2.0**100, width=32))
def test_neighbouring_floats_are_one_step_apart(value: float) -> None:
    here = np.array([value], np.float32)
    there = np.nextafter(here, np.float32(np.inf), dtype=np.float32)
    if np.isfinite(there[0]) and here[0] != 0 and there[0] != 0:
        assert int(distance(here, there)[0]) == 1


def test_extreme_steps_do_not_wrap() -> None:
    difference = compare(np.array([-128], np.int8), np.array([127], np.int8))
    assert difference is not None
    assert difference.max_steps == 255


def test_from_bytes_is_little_endian_and_exact_in_size() -> None:
    data = struct.pack("<2f", 1.5, -2.0)
    assert from_bytes(data, np.dtype(np.float32), (1, 2)).tolist() == [[1.5, -2.0]]
    with pytest.raises(ValueError, match="Received: 7 bytes"):
        from_bytes(data[:7], np.dtype(np.float32), (1, 2))


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        compare(np.zeros(3, np.int8), np.zeros(4, np.int8))

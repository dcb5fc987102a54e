"""Distances in steps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from host.npu.comparison.steps import Steps, distance, measure

_BYTES = arrays(np.int8, (1, 3, 4))


@given(_BYTES, _BYTES)
def test_measure_is_what_counting_gives(got: np.ndarray, want: np.ndarray) -> None:
    found = measure(got, want, 7)
    apart = [abs(int(a) - int(b)) for a, b in zip(got.ravel(), want.ravel(), strict=True)]
    assert found.elements == 12
    assert (found.equal, found.one) == (apart.count(0), apart.count(1))
    assert found.more == 12 - found.equal - found.one
    assert found.largest == max(apart)
    if found.largest:
        assert found.index is not None
        assert (found.got, found.want) == (got[found.index], want[found.index])
        assert found.vector == 7


@given(st.lists(st.tuples(_BYTES, _BYTES), min_size=1, max_size=4))
def test_sums_are_those_of_all_values_and_name_the_first_worst(
    pairs: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    total = Steps()
    for number, (got, want) in enumerate(pairs):
        total += measure(got, want, number)
    whole = measure(np.stack([a for a, _ in pairs]), np.stack([b for _, b in pairs]), 0)
    assert (total.elements, total.equal, total.one, total.largest) == (
        whole.elements,
        whole.equal,
        whole.one,
        whole.largest,
    )
    if whole.index is not None:
        assert (total.vector, *(total.index or ())) == whole.index


def test_floats_count_in_steps_of_the_bytes_behind_them() -> None:
    got = np.array([1.0, 1.5, np.nan, np.inf, 2.0], np.float32)
    want = np.array([1.0, 1.0, np.nan, 1.0, 2.0 + 1e-6], np.float32)
    assert distance(got, want, 0.25).tolist() == [0, 2, 0, 2**31, 1]
    assert distance(got[:2], want[:2]).tolist() == [0, 1]

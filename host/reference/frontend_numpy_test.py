"""The frontend without a compiler: the bits of the C, in every stage of every member, on chunks that are hard."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.reference import frontend, frontend_anywhere, frontend_library, frontend_numpy
from host.reference.frontend_cases import hard_chunks, real_chunks
from host.reference.frontend_members import MEMBERS, SAMPLES
from host.reference.frontend_stages import recorded_signal, stages, vectors
from host.reference.frontend_tables import make_tables

CHUNKS = np.stack([recorded_signal(), *hard_chunks(SAMPLES).values(), *real_chunks(SAMPLES)])


@pytest.fixture
def without_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontend_library, "is_there", lambda: False)
    monkeypatch.setattr(frontend_anywhere, "is_there", lambda: False)


@pytest.mark.parametrize("member", MEMBERS)
def test_features_have_the_bits_of_the_c(member: str) -> None:
    contract = MEMBERS[member]
    want, got = frontend.features(CHUNKS, contract), frontend_numpy.features(CHUNKS, contract)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    for index in range(len(CHUNKS)):
        assert got[index].tobytes() == want[index].tobytes(), index


@pytest.mark.parametrize("member", MEMBERS)
def test_every_stage_has_the_bits_of_the_c(member: str, request: pytest.FixtureRequest) -> None:
    """With other tables, too, as they are read from a damaged firmware."""
    contract, tables = MEMBERS[member], make_tables(MEMBERS[member])
    if tables.window.size:
        window = tables.window.copy()
        window[7] = np.float32(1.25) * window[7]
        tables = replace(tables, window=window)
    chunks = CHUNKS[::5]
    want = [vectors(stages(chunk, contract, tables)) for chunk in chunks]
    request.getfixturevalue("without_a_library")
    assert [vectors(stages(chunk, contract, tables)) for chunk in chunks] == want


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40),
    st.floats(2.0**-30, 2.0**20, width=32),
    st.integers(-128, 127),
)
def test_steps_are_those_of_the_c(values: list[float], scale: float, zero_point: int) -> None:
    given = np.array(values, np.float32)
    halves = (np.round(given) + np.float32(0.5)) * np.float32(scale)
    for one in (given, halves, np.nextafter(halves, np.float32(0))):
        want = frontend.quantize(one, scale, zero_point)
        assert frontend_numpy.quantize(one, scale, zero_point).tolist() == want.tolist()


def test_what_judges_a_board_needs_no_compiler(without_a_library: None) -> None:
    contract = MEMBERS["mel-log"]
    got = frontend_anywhere.features(CHUNKS[:1], contract)
    assert got.tobytes() == frontend_numpy.features(CHUNKS[:1], contract).tobytes()
    assert frontend_anywhere.quantize(got, 1 / 255, -128).dtype == np.int8

"""Windows of any start against a naive reference, sample by sample."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_gen.data.entry import Entry, stretches

CHUNK = 10


@given(st.data())
def test_a_part_is_what_a_window_has_of_the_recording(data: st.DataObject) -> None:
    samples = data.draw(st.integers(1, 60))
    starts = data.draw(st.lists(st.integers(0, max(0, samples - CHUNK)), min_size=1, max_size=3))
    kept = stretches(starts, CHUNK, data.draw(st.sampled_from((0, 5))), samples)
    entry = Entry("", tuple(starts), samples, samples, kept, "")
    recording = np.arange(1, samples + 1)
    held = np.concatenate([recording[begin:end] for begin, end in kept])
    start = data.draw(st.integers(-2 * CHUNK, samples + CHUNK))
    inside = [at for at in range(start, start + CHUNK) if 0 <= at < samples]
    if not all(any(begin <= at < end for begin, end in kept) for at in inside):
        with pytest.raises(ValueError, match="is kept"):
            entry.part(start, CHUNK)
        return
    want = [at + 1 if at in inside else 0 for at in range(start, start + CHUNK)]
    part = entry.part(start, CHUNK)
    got = np.zeros(CHUNK, int)
    got[part.offset : part.offset + part.length] = held[part.begin : part.begin + part.length]
    assert got.tolist() == want


def test_a_sample_that_is_not_kept_has_no_stretch() -> None:
    entry = Entry("", (3,), 99, 99, ((3, 20), (30, 40)), "")
    assert [entry.stretch(at) for at in (3, 19, 30, 39)] == [(3, 20)] * 2 + [(30, 40)] * 2
    for at in (0, 2, 20, 29, 40):
        with pytest.raises(ValueError, match=f"sample {at},"):
            entry.stretch(at)

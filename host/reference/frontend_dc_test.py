"""Frames that lose their mean: nothing is left of a constant, in the last bit; edges, streams, sizes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from host.reference.frontend import features, magnitudes
from host.reference.frontend_cases import hard_chunks
from host.reference.frontend_members import MEMBERS, SAMPLES
from host.reference.frontend_numpy import windowed
from host.reference.frontend_tables import make_tables, window_table

WITHOUT = {name: made for name, made in MEMBERS.items() if made.window_dc == "remove"}
LENGTHS = (128, 256, 512, 1024, 2048)


def of_length(length: int, **more: object) -> FrontendContract:
    given: dict[str, object] = {
        "fft_length": length, "bins": length // 2, "chunk_samples": 5000, "hop": 333, "frames": 16,
        "window_dc": "remove", **more,
    }  # fmt: skip
    return FrontendContract(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", WITHOUT)
def test_a_constant_changes_no_bit(name: str) -> None:
    noise = np.random.default_rng(7).normal(0, 900, SAMPLES).clip(-9000, 9000).astype(np.int16)
    chunks = np.stack([noise, noise + np.int16(1), noise - np.int16(23000), noise + np.int16(655)])
    got = features(chunks, WITHOUT[name])
    for index in range(1, len(chunks)):
        assert got[index].tobytes() == got[0].tobytes(), index


@pytest.mark.parametrize("length", LENGTHS)
def test_nothing_is_left_of_a_constant(length: int) -> None:
    """Not at the edges either, where a part of the frame lies outside the chunk."""
    levels = np.array([1, -1, 777, 32767, -32768], np.int16)
    chunks = np.repeat(levels[:, np.newaxis], 5000, axis=1)
    assert not magnitudes(chunks, of_length(length, compression="none")).any()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_windowed_samples_lie_on_the_grid_and_near_the_exact_ones(data: st.DataObject) -> None:
    draw = data.draw
    length = draw(st.sampled_from(LENGTHS))
    window = draw(st.sampled_from(("hann", "hamming", "none")))
    made = of_length(length, window=window)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    loud = draw(st.sampled_from((1, 2, 300, 32767)))
    chunk = rng.integers(-loud, loud + 1, 5000).astype(np.int16)
    got = windowed(chunk, made, make_tables(made)).astype(np.float64)
    assert (got * 2.0**6 == np.rint(got * 2.0**6)).all()
    assert not (np.signbit(got) & (got == 0)).any()
    half = length // 2
    table = window_table(window, length).astype(np.float64)
    for t in range(made.frames):
        begin = t * made.hop - half
        inside = np.arange(max(begin, 0), min(begin + length, 5000))
        want = np.zeros(length)
        mean = chunk[inside].astype(np.float64).mean()
        want[inside - begin] = (chunk[inside] - mean) * table[inside - begin]
        np.testing.assert_allclose(got[t], want, rtol=3e-7, atol=2.0**-6)


@pytest.mark.parametrize("name", WITHOUT)
@pytest.mark.parametrize("case", ["square", "lowest", "impulse of -32768 at 5999"])
def test_the_largest_values_stay_finite(name: str, case: str) -> None:
    made = replace(WITHOUT[name], window="none")
    assert np.isfinite(features(hard_chunks(SAMPLES)[case][np.newaxis], made)).all()


def test_what_keeps_its_mean_is_another_spectrogram() -> None:
    chunk = np.full((1, SAMPLES), 3000, np.int16)
    chunk[0, ::7] += 40
    without = MEMBERS["dc"]
    kept = replace(without, window_dc="keep")
    assert (features(chunk, kept) != features(chunk, without)).any()


def test_a_raw_waveform_has_no_frames_to_take_a_mean_of() -> None:
    with pytest.raises(BadInput, match="window_dc must be keep"):
        replace(MEMBERS["raw"], window_dc="remove")

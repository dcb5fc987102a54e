import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_gen.audio.decode import to_int16
from model_gen.evaluation.learning.conditions import (
    CONDITIONS,
    DISTURBANCES,
    WINDOW,
    generator,
    window_of,
)


def _naive(pcm: list[int], condition: str) -> list[int]:
    """Sample by sample, from what the page says."""
    start = {"start": 0, "end": 4000}.get(condition, 2000)
    placed = [pcm[i - start] if start <= i < start + len(pcm) else 0 for i in range(8000)]
    out = []
    for i, sample in enumerate(placed):
        x = sample / 32768
        if condition.startswith("dc"):
            x += float(condition.split("_")[1])
        elif condition == "click" and i == 4000:
            x += 32767 / 32768
        elif condition == "hum_0.05":
            x += 0.05 * math.sin(2 * math.pi * 50 * i / 8000)
        elif condition == "level_-40db":
            x *= 0.01
        out.append(max(-32768, min(32767, round(x * 32768))))  # Python rounds half to even
    return out


@pytest.mark.parametrize("condition", [c for c in CONDITIONS if not c.startswith("noise")])
@pytest.mark.parametrize("length", [1, 3000, 7000, 12000])
def test_windows_are_what_a_loop_over_samples_makes(condition: str, length: int) -> None:
    pcm = np.random.default_rng(length).integers(-32768, 32768, length).astype(np.int16)
    found = window_of(pcm, condition, "low/ada_0.wav")
    assert found.dtype == np.int16
    # A sine may differ in its last bit between libraries; a step is 2^37 of those.
    assert found.tolist() == _naive(pcm.tolist(), condition)


@pytest.mark.parametrize("deviation", [0.003, 0.009])
def test_noise_is_gaussian_and_the_clips_own(deviation: float) -> None:
    name, quiet = f"noise_{deviation}", np.zeros(1, np.int16)
    found = window_of(quiet, name, "low/ada_0.wav")
    np.testing.assert_array_equal(found, window_of(quiet, name, "low/ada_0.wav"))
    assert (found != window_of(quiet, name, "low/ada_1.wav")).mean() > 0.9
    assert found.std() / 32768 == pytest.approx(deviation, rel=0.05)
    assert abs(found.mean()) / 32768 < deviation * 4 / math.sqrt(WINDOW)
    assert np.mean(np.abs(found) < deviation * 32768) == pytest.approx(0.683, abs=0.03)
    # The very bits, which no version of a library may change unseen.
    assert generator("a").integers(0, 1 << 32) == generator("a").integers(0, 1 << 32)


def test_a_disturbance_covers_the_whole_window() -> None:
    quiet = np.zeros(10, np.int16)
    for name in ("dc_0.1", "hum_0.05", "noise_0.009"):
        found = window_of(quiet, name, "")
        assert np.abs(found[:100].astype(int)).max() > 0, name
        assert np.abs(found[-100:].astype(int)).max() > 0, name
    assert np.flatnonzero(window_of(quiet, "click", "")).tolist() == [4000]
    assert window_of(quiet, "click", "")[4000] == 32767
    assert len(DISTURBANCES) + 3 == len(CONDITIONS)


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=20))
def test_saturation_rounds_half_to_even(values: list[float]) -> None:
    found = to_int16(np.array(values))
    assert found.tolist() == [max(-32768, min(32767, round(v * 32768))) for v in values]
    assert to_int16(np.array([0.5, 1.5, 2.5, -0.5]) / 32768).tolist() == [0, 2, 2, 0]

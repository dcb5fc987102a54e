import math

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.frontends.mel import mel_matrix


def _mel(hz: float) -> float:
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)


def _hz(mel: float) -> float:
    """The inverse, by bisection: nothing shared with the code under test."""
    low, high = 0.0, 1e5
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _mel(middle) < mel else (low, middle)
    return low


@pytest.mark.parametrize(
    ("bins", "mels", "rate", "fft"),
    [(256, 64, 24000, 512), (257, 40, 16000, 512), (64, 8, 8000, 128)],
)
def test_the_matrix_is_that_of_the_definition(bins: int, mels: int, rate: int, fft: int) -> None:
    low, high = _mel(150.0), _mel(rate / 2)
    edges = [_hz(low + (high - low) * i / (mels + 1)) for i in range(mels + 2)]
    want = np.zeros((bins, mels))
    for m in range(mels):
        left, centre, right = edges[m : m + 3]
        for k in range(bins):
            f = k * rate / fft
            if left < f <= centre:
                want[k, m] = (f - left) / (centre - left) * 2 / (right - left)
            elif centre < f < right:
                want[k, m] = (right - f) / (right - centre) * 2 / (right - left)
    got = mel_matrix(bins=bins, num_mels=mels, sample_rate=rate, fft_length=fft)
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-12)


def test_a_band_without_a_bin_is_refused() -> None:
    with pytest.raises(BadInput, match="at least one bin"):
        mel_matrix(bins=64, num_mels=64, sample_rate=24000, fft_length=128)

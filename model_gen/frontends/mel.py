"""The mel filterbank in Slaney's scale, in plain NumPy."""

import numpy as np
import numpy.typing as npt

from host.errors import BadInput

LOWEST_HZ = 150.0
_HZ_PER_MEL = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = 15.0
_LOG_STEP = np.log(6.4) / 27.0


def hz_to_mel(hz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Slaney's scale: linear below 1 kHz, then 15 + 27 ln(f / 1000) / ln 6.4."""
    safe = np.maximum(hz, _BREAK_HZ)
    return np.where(hz < _BREAK_HZ, hz / _HZ_PER_MEL, _BREAK_MEL + np.log(safe / 1000) / _LOG_STEP)


def mel_to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The inverse of `hz_to_mel`."""
    return np.where(
        mel < _BREAK_MEL, mel * _HZ_PER_MEL, _BREAK_HZ * np.exp((mel - _BREAK_MEL) * _LOG_STEP)
    )


def mel_edges(num_mels: int, sample_rate: int) -> npt.NDArray[np.float64]:
    """`num_mels` + 2 frequencies in Hz, equally spaced in mel from 150 Hz to half the sample rate: band m lies between
    edges m and m + 2, its centre is edge m + 1."""
    ends = hz_to_mel(np.array([LOWEST_HZ, sample_rate / 2]))
    return mel_to_hz(np.linspace(ends[0], ends[1], num_mels + 2))


def mel_matrix(
    *, bins: int, num_mels: int, sample_rate: int, fft_length: int
) -> npt.NDArray[np.float64]:
    """Triangles of unit area over frequency: float64 [bins, num_mels], in 1/Hz.

    Between the edges of `mel_edges` band m rises from edge m to edge m + 1, falls to edge m + 2 and is scaled by
    2 / (edge[m + 2] - edge[m]) (Slaney 1998, Auditory Toolbox).

    Raises:
        BadInput: a band is so narrow that no bin falls into it.
    """
    edges = mel_edges(num_mels, sample_rate)
    hz = (np.arange(bins) * sample_rate / fft_length)[:, None]
    rise = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    matrix = np.maximum(0.0, np.minimum(rise, fall)) * (2.0 / (edges[2:] - edges[:-2]))
    empty = int((matrix.sum(axis=0) <= 0).sum())
    if empty:
        raise BadInput(
            "every mel band must hold at least one bin of the FFT",
            evidence=f"Received: {num_mels} bands over {bins} bins at {sample_rate} Hz, {empty} of them empty",
            next_step="use fewer --num-mels or a longer --fft-length",
        )
    return np.asarray(matrix)

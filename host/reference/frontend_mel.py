"""Mel bands as sparse weights, and the DCT: float64 from the definitions, rounded once."""

import math
from dataclasses import dataclass
from typing import Protocol

LEAST_WEIGHT = 2.0**-40  # what is smaller counts as 0, so that no product with it is denormal


class MelOptions(Protocol):
    """What of a frontend's contract decides its bands."""

    @property
    def sample_rate(self) -> int: ...
    @property
    def fft_length(self) -> int: ...
    @property
    def bins(self) -> int: ...
    @property
    def mel_bands(self) -> int: ...
    @property
    def mel_scale(self) -> str: ...
    @property
    def mel_norm(self) -> str: ...
    @property
    def mel_low(self) -> float: ...
    @property
    def mel_high(self) -> float: ...


@dataclass(frozen=True)
class Band:
    """Weights of the bins from `first` on; empty where no bin lies inside the triangle."""

    first: int
    weights: tuple[float, ...]


def hz_to_mel(hertz: float, scale: str) -> float:
    """Slaney: linear to 1 kHz, then logarithmic. HTK: 2595 log10(1 + f / 700).

    >>> hz_to_mel(1000.0, "slaney"), round(hz_to_mel(1000.0, "htk"), 3)
    (15.0, 999.986)
    """
    if scale == "htk":
        return 2595.0 * math.log10(1.0 + hertz / 700.0)
    return (
        15.0 + 27.0 * math.log(hertz / 1000.0) / math.log(6.4)
        if hertz >= 1000.0
        else hertz / (200.0 / 3.0)
    )


def mel_to_hz(mel: float, scale: str) -> float:
    """The inverse of `hz_to_mel`."""
    if scale == "htk":
        return 700.0 * (math.pow(10.0, mel / 2595.0) - 1.0)
    return (
        1000.0 * math.exp((mel - 15.0) * math.log(6.4) / 27.0)
        if mel >= 15.0
        else mel * (200.0 / 3.0)
    )


def band_edges(contract: MelOptions) -> list[float]:
    """mel_bands + 2 frequencies in Hz, equally spaced in mel; band m goes from edge m to m + 2."""
    scale = contract.mel_scale
    low = hz_to_mel(contract.mel_low, scale)
    high = hz_to_mel(contract.mel_high or contract.sample_rate / 2, scale)
    steps = contract.mel_bands + 1
    return [mel_to_hz(low + (high - low) * i / steps, scale) for i in range(steps + 1)]


def mel_bands(contract: MelOptions) -> list[Band]:
    """Triangles over the bins; times 2 / width with mel_norm slaney."""
    edges = band_edges(contract)
    spacing = contract.sample_rate / contract.fft_length
    bands = []
    for low, centre, high in zip(edges, edges[1:], edges[2:], strict=False):
        norm = 2.0 / (high - low) if contract.mel_norm == "slaney" else 1.0
        first = max(0, math.floor(low / spacing))
        last = min(contract.bins - 1, math.ceil(high / spacing))
        weights = [
            norm * min((k * spacing - low) / (centre - low), (high - k * spacing) / (high - centre))
            for k in range(first, last + 1)
        ]
        while weights and weights[0] < LEAST_WEIGHT:
            del weights[0]
            first += 1
        while weights and weights[-1] < LEAST_WEIGHT:
            del weights[-1]
        bands.append(Band(first, tuple(weights)))
    return bands


def empty_band(contract: MelOptions) -> tuple[int, float, float] | None:
    """Index and edges in Hz of the first band that holds no bin."""
    edges = band_edges(contract)
    for index, band in enumerate(mel_bands(contract)):
        if not band.weights:
            return index, edges[index], edges[index + 2]
    return None


def cosines(coefficients: int, bands: int) -> list[float]:
    """[coefficients, bands] of the orthonormal DCT-II: c_k cos(pi k (m + 1/2) / bands)."""
    return [
        math.sqrt((2.0 if k else 1.0) / bands) * math.cos(math.pi * k * (m + 0.5) / bands)
        for k in range(coefficients)
        for m in range(bands)
    ]

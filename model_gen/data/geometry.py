"""From the options of a training run to the frontend's contract."""

from typing import Any

from host.errors import BadInput
from host.frontend_contract import FrontendContract


def chunk_samples(sample_rate: int, chunk_duration: float) -> int:
    """Samples of a chunk: what of its last one is less than a millionth is taken for rounding."""
    return int(round(sample_rate * chunk_duration, 6))


def frontend_contract(
    *,
    name: str,
    sample_rate: int,
    chunk_duration: float,
    fft_length: int,
    spec_width: int,
    nyquist: bool = False,
    **more: Any,
) -> FrontendContract:
    """`spec_width` frames over a chunk: hop = chunk // spec_width, bins without the Nyquist bin unless `nyquist`.

    `more` are other fields of the contract.

    Raises:
        BadInput: the geometry is impossible, for instance a chunk shorter than the FFT.
    """
    samples = chunk_samples(sample_rate, chunk_duration)
    if samples < fft_length or not 1 <= spec_width <= samples:
        raise BadInput(
            "a chunk must not be shorter than the FFT, nor than the number of frames",
            evidence=f"Received: a chunk of {samples} samples ({chunk_duration:g} s at {sample_rate} "
            f"Hz), an FFT of {fft_length}, {spec_width} frames",
            next_step="use a longer --chunk-duration, higher --sample-rate, shorter --fft-length "
            "or lower --spec-width",
        )
    return FrontendContract(
        name=name,
        sample_rate=sample_rate,
        chunk_samples=samples,
        fft_length=fft_length,
        hop=samples // spec_width,
        frames=spec_width,
        bins=fft_length // 2 + nyquist,
        **more,
    )

"""From the options of a training run to the frontend's contract."""

from host.errors import BadInput
from host.frontend_contract import FrontendContract


def frontend_contract(
    *,
    name: str,
    sample_rate: int,
    chunk_duration: float,
    fft_length: int,
    spec_width: int,
    compression: str,
) -> FrontendContract:
    """`spec_width` frames over a chunk: hop = chunk // spec_width, bins without the Nyquist bin.

    Raises:
        BadInput: the geometry is impossible, for instance a chunk shorter than the FFT.
    """
    samples = (
        int(round(sample_rate * chunk_duration, 6)) if sample_rate > 0 and chunk_duration > 0 else 0
    )
    if samples < 1 or spec_width < 1:
        raise BadInput(
            "--sample-rate, --chunk-duration and --spec-width must be above 0",
            evidence=f"Received: {sample_rate} Hz, {chunk_duration} s, {spec_width} frames",
        )
    if samples < max(fft_length, spec_width):
        raise BadInput(
            "a chunk must not be shorter than the FFT, nor than the number of frames",
            evidence=f"Received: a chunk of {samples} samples, an FFT of {fft_length}, {spec_width} frames",
            next_step="use a longer --chunk-duration, higher --sample-rate, shorter --fft-length or lower --spec-width",
        )
    return FrontendContract(
        name=name,
        sample_rate=sample_rate,
        chunk_samples=samples,
        fft_length=fft_length,
        hop=samples // spec_width,
        frames=spec_width,
        bins=fft_length // 2,
        compression=compression,
    )

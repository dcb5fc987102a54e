"""The frontend raw: the waveform, which the network filters itself."""

from typing import TYPE_CHECKING

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from model_gen.data.geometry import chunk_samples
from model_gen.models.backbones import hears_waveform

if TYPE_CHECKING:
    from model_gen.training.options import TrainOptions

LIMIT = 1 << 16  # samples: a size of the NPU has 16 bits


def contract(options: "TrainOptions") -> FrontendContract:
    """A chunk divided by its own peak, float32 [1, samples] in [-1, 1].

    Raises:
        BadInput: it is too long for a board; a backbone that hears sound itself need not run on one.
    """
    samples = chunk_samples(options.sample_rate, options.chunk_duration)
    if samples >= LIMIT and not hears_waveform(options.backbone):
        longest = (LIMIT - 1) / options.sample_rate
        raise BadInput(
            f"--audio-frontend raw takes chunks shorter than {LIMIT:,} samples, as a size of the NPU has 16 bits",
            evidence=f"Received: {samples:,} samples: {options.chunk_duration:g} s at {options.sample_rate} Hz",
            next_step=f"use --chunk-duration {int(longest * 100) / 100:g} or less, a lower --sample-rate, "
            "or --audio-frontend hybrid",
        )
    return FrontendContract(
        name="raw",
        sample_rate=options.sample_rate,
        chunk_samples=samples,
        fft_length=options.fft_length,
        hop=max(1, samples // options.spec_width),
        frames=samples,
        bins=1,
        window_dc=options.window_dc,
        compression=options.input_compression,
        normalization=options.normalization,
        spectrum="none",
    )

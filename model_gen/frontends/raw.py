"""The frontend raw: the waveform, which the network filters itself.

The current form has pairs of long filters and their smoothed envelope, april's a plain bank of short filters.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from model_gen.data.geometry import chunk_samples
from model_gen.frontends import gabor, short_filters
from model_gen.frontends.magnitude import scaled
from model_gen.frontends.statistics import normalized, settle_norm
from model_gen.models.backbones import check_sound, hears_waveform

if TYPE_CHECKING:
    from model_gen.models.config import ModelConfig
    from model_gen.training.options import TrainOptions

LIMIT = 1 << 16  # samples: a size of the NPU has 16 bits


def contract(options: "TrainOptions") -> FrontendContract:
    """A chunk divided by its own peak, float32 [1, samples] in [-1, 1].

    Raises:
        BadInput: it is too long for a board, or too short for the frames; a backbone that hears sound itself need
            not run on one, and has frames of its own.
    """
    samples = chunk_samples(options.sample_rate, options.chunk_duration)
    check_sound(options.backbone, options.sample_rate, samples, options)
    bounded = not hears_waveform(options.backbone)
    if bounded and options.frontend_form != "april":
        gabor.Geometry(samples, options.spec_width).check()
    if bounded and samples >= LIMIT:
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


def build(features: Any, config: "ModelConfig") -> Any:
    """`[batch, 1, samples, 1]` -> `[batch, num_mels, spec_width, 1]`."""
    import keras

    if config.frontend_form == "april":
        x = normalized(short_filters.build(features, config), highest=6.0)
    else:
        x = normalized(gabor.build(features, config))
    return keras.layers.Permute((3, 2, 1), name="frontend_bands_first")(scaled(x, config))


def settle(model: Any, config: "ModelConfig", features: npt.NDArray[np.float32]) -> None:
    """Set batch normalization's moving statistics to those of `features` [n, 1, samples]."""
    bands = short_filters.outputs if config.frontend_form == "april" else gabor.envelopes
    settle_norm(model, bands(model, config, features))

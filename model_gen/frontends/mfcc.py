"""The frontend mfcc: cepstral coefficients, which boards compute."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from model_gen.frontends.spectral import spectral_contract

if TYPE_CHECKING:
    from model_gen.models.config import ModelConfig
    from model_gen.training.options import TrainOptions


def contract(options: "TrainOptions") -> FrontendContract:
    """The first --n-mfcc coefficients of the DCT of log mel bands of power.

    Raises:
        BadInput: there are more coefficients than bands.
    """
    if options.n_mfcc > options.num_mels:
        raise BadInput(
            "--n-mfcc takes at most as many coefficients as there are --num-mels",
            evidence=f"Received: {options.n_mfcc} coefficients of {options.num_mels} bands",
            next_step=f"use --n-mfcc {options.num_mels} or less, or more --num-mels",
        )
    return spectral_contract(
        options,
        name="precomputed",
        spectrum="power",
        mel_bands=options.num_mels,
        mfcc=options.n_mfcc,
    )


def build(features: Any, config: "ModelConfig") -> Any:
    """`[batch, coefficients, frames, 1]`: nothing of the frontend lies in the network."""
    return features


def settle(model: Any, config: "ModelConfig", features: npt.NDArray[np.float32]) -> None:
    """There are no statistics."""

"""The frontend log_mel: logarithms of mel bands, which boards compute."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from host.frontend_contract import FrontendContract
from model_gen.frontends.spectral import spectral_contract

if TYPE_CHECKING:
    from model_gen.models.config import ModelConfig
    from model_gen.training.options import TrainOptions


def contract(options: "TrainOptions") -> FrontendContract:
    """ln(1 + g S) of Slaney's mel bands S of magnitudes, with the gain g of --log1p-gain."""
    return spectral_contract(
        options,
        name="precomputed",
        mel_bands=options.num_mels,
    )


def build(features: Any, config: "ModelConfig") -> Any:
    """`[batch, mels, frames, 1]`: nothing of the frontend lies in the network."""
    return features


def settle(model: Any, config: "ModelConfig", features: npt.NDArray[np.float32]) -> None:
    """There are no statistics."""

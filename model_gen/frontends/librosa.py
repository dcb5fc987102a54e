"""The frontend librosa: mel bands, which boards compute; the network only scales them."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from host.frontend_contract import FrontendContract
from model_gen.frontends.magnitude import scaled
from model_gen.frontends.spectral import spectral_contract

if TYPE_CHECKING:
    from model_gen.models.config import ModelConfig
    from model_gen.training.options import TrainOptions


def contract(options: "TrainOptions") -> FrontendContract:
    """Slaney's mel bands of magnitudes, compressed as --input-compression says."""
    return spectral_contract(options, name="precomputed", mel_bands=options.num_mels)


def build(features: Any, config: "ModelConfig") -> Any:
    """`[batch, mels, frames, 1]` to the same, scaled band by band."""
    import keras

    if config.mag_scale == "none":
        return features
    x = keras.layers.Permute((3, 2, 1), name="frontend_bands_last")(features)
    x = scaled(x, config)
    return keras.layers.Permute((3, 2, 1), name="frontend_mels_first")(x)


def settle(model: Any, config: "ModelConfig", features: npt.NDArray[np.float32]) -> None:
    """There are no statistics."""

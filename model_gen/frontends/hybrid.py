"""The hybrid frontend: a linear spectrogram from the C code that boards run, a mel mixer inside the network."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from host.frontend_contract import FrontendContract
from model_gen.frontends.magnitude import scaled
from model_gen.frontends.mel import mel_matrix
from model_gen.frontends.spectral import spectral_contract

if TYPE_CHECKING:
    from model_gen.models.config import ModelConfig
    from model_gen.training.options import TrainOptions

BN_EPSILON = 1e-3
BN_MOMENTUM = 0.99


def contract(options: "TrainOptions") -> FrontendContract:
    """The bins without the Nyquist bin, all of which the mixer sees."""
    return spectral_contract(options, name="hybrid")


def build(features: Any, config: "ModelConfig") -> Any:
    """`[batch, bins, frames, 1]` -> `[batch, num_mels, frames, 1]`.

    The bins become channels, so that the mixer is a 1x1 convolution, quantized per mel band. It starts as the Slaney
    matrix times the bin width: each column is then a weighted mean of bins, of the features' own range, which batch
    normalization's epsilon does not swamp. It is fixed unless `frontend_trainable`.
    """
    import keras

    contract = config.frontend
    x = keras.layers.Permute((3, 2, 1), name="frontend_bins_last")(features)
    kernel = mel_matrix(
        bins=contract.bins,
        num_mels=config.num_mels,
        sample_rate=contract.sample_rate,
        fft_length=contract.fft_length,
    ) * (contract.sample_rate / contract.fft_length)
    mixer = keras.layers.Conv2D(
        config.num_mels,
        1,
        use_bias=False,
        trainable=config.frontend_trainable,
        name="frontend_mel_mixer",
    )
    x = mixer(x)
    mixer.set_weights([kernel[None, None].astype("float32")])
    x = keras.layers.BatchNormalization(
        epsilon=BN_EPSILON, momentum=BN_MOMENTUM, name="frontend_bn"
    )(x)
    x = keras.layers.ReLU(name="frontend_relu")(x)
    x = scaled(x, config)
    return keras.layers.Permute((3, 2, 1), name="frontend_mels_first")(x)


def settle(model: Any, config: "ModelConfig", features: npt.NDArray[np.float32]) -> None:
    """Set batch normalization's moving statistics to those of `features` [n, bins, frames].

    With a momentum of 0.99 they would take hundreds of steps, and a small data set has a dozen an epoch. In float64,
    so that the order of the sum does not matter.
    """
    kernel = np.asarray(model.get_layer("frontend_mel_mixer").kernel)[0, 0].astype(np.float64)
    total = np.zeros((2, kernel.shape[1]))
    for spectrogram in features:
        mels = kernel.T @ spectrogram.astype(np.float64)
        total += np.stack([mels.sum(axis=1), (mels**2).sum(axis=1)])
    mean, square = total / (len(features) * features.shape[2])
    layer = model.get_layer("frontend_bn")
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(np.maximum(square - mean**2, 0))

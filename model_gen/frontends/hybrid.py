"""The hybrid frontend: a linear spectrogram from the C code that boards run, a mel mixer inside the network."""

from typing import Any

import keras

from model_gen.frontends.magnitude import magnitude_scaling
from model_gen.frontends.mel import mel_matrix
from model_gen.models.config import ModelConfig

BN_EPSILON = 1e-3
BN_MOMENTUM = 0.99


def build(features: Any, config: ModelConfig) -> Any:
    """`[batch, bins, frames, 1]` -> `[batch, num_mels, frames, 1]`.

    The bins become channels, so that the mixer is a 1x1 convolution, quantized per mel band. It starts as the Slaney
    matrix times the bin width: each column is then a weighted mean of bins, of the features' own range, which batch
    normalization's epsilon does not swamp. It is fixed unless `frontend_trainable`.
    """
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
    x = magnitude_scaling(config.mag_scale)(x)
    return keras.layers.Permute((3, 2, 1), name="frontend_mels_first")(x)

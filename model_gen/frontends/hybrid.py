"""The hybrid frontend: a linear spectrogram from the C code that boards run, a mel mixer inside the network.

In its current form the mixer is followed by batch normalization. In `april`'s each chunk was divided by its own
largest mel value; a constant takes its place, the largest of many chunks, because an NPU does not divide and the
board's features are normalized already. It is divided out of the mixer's weights, and so is in the checkpoint.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from host.frontend_contract import FrontendContract
from model_gen.frontends.magnitude import scaled
from model_gen.frontends.mel import mel_matrix
from model_gen.frontends.spectral import spectral_contract
from model_gen.frontends.statistics import normalized, settle_norm

if TYPE_CHECKING:
    from model_gen.models.config import ModelConfig
    from model_gen.training.options import TrainOptions

_MIXER = "frontend_mel_mixer"


def contract(options: "TrainOptions") -> FrontendContract:
    """The bins without the Nyquist bin, all of which the mixer sees; in april's form with it."""
    return spectral_contract(options, name="hybrid", nyquist=options.frontend_form == "april")


def build(features: Any, config: "ModelConfig") -> Any:
    """`[batch, bins, frames, 1]` -> `[batch, num_mels, frames, 1]`.

    The bins become channels, so that the mixer is a 1x1 convolution, quantized per mel band; where they are no
    multiple of 8 (with the Nyquist bin), zeros follow them. The mixer starts as the Slaney matrix times the bin width:
    each column is then a weighted mean of bins, of the features' own range, which batch normalization's epsilon does
    not swamp. It is fixed unless `frontend_trainable`.
    """
    import keras

    contract = config.frontend
    april = config.frontend_form == "april"
    room = -contract.bins % 8
    x = features
    if room:
        x = keras.layers.ZeroPadding2D(((0, room), (0, 0)), name="frontend_pad")(x)
    x = keras.layers.Permute((3, 2, 1), name="frontend_bins_last")(x)
    kernel = mel_matrix(
        bins=contract.bins,
        num_mels=config.num_mels,
        sample_rate=contract.sample_rate,
        fft_length=contract.fft_length,
    ) * (contract.sample_rate / contract.fft_length)
    kernel = np.pad(kernel, ((0, room), (0, 0)))
    mixer = keras.layers.Conv2D(
        config.num_mels,
        1,
        use_bias=False,
        kernel_constraint="non_neg" if april else None,
        trainable=config.frontend_trainable,
        name=_MIXER,
    )
    x = mixer(x)
    mixer.set_weights([kernel[None, None].astype("float32")])
    x = keras.layers.ReLU(name="frontend_relu")(x) if april else normalized(x)
    x = scaled(x, config)
    return keras.layers.Permute((3, 2, 1), name="frontend_mels_first")(x)


def settle(model: Any, config: "ModelConfig", features: npt.NDArray[np.float32]) -> None:
    """Set batch normalization's moving statistics to those of `features` [n, bins, frames].

    In april's form divide the mixer by its largest output instead; where all of them are silent it stays as it is.
    """
    mixer = model.get_layer(_MIXER)
    kernel = np.asarray(mixer.kernel)[0, 0, : features.shape[1]].astype(np.float64)
    mels = (kernel.T @ spectrogram.astype(np.float64) for spectrogram in features)
    if config.frontend_form != "april":
        settle_norm(model, mels)
        return
    largest = max(float(part.max()) for part in mels)
    mixer.kernel.assign(np.asarray(mixer.kernel) / (largest if largest > 0 else 1.0))

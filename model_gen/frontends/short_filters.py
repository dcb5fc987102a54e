"""The filterbank of the raw frontend in april's form: filters of 16 samples, one stride apart.

What lies between two windows, nine samples of ten at the usual widths, is not heard.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from model_gen.models.config import ModelConfig

TAPS = 16
_BANK = "frontend_bank"


def stride_and_padding(samples: int, frames: int) -> tuple[int, int]:
    """Samples from window to window, ceil(samples / frames), and how many zeros at both ends fill the last window."""
    stride = -(-samples // frames)
    return stride, max(0, stride * (frames - 1) + TAPS - samples)


def build(features: Any, config: "ModelConfig") -> Any:
    """`[batch, 1, samples, 1]` -> `[batch, 1, frames, num_mels]`; the filters start at random, and always train."""
    import keras

    stride, padding = stride_and_padding(config.frontend.chunk_samples, config.spec_width)
    x = features
    if padding:
        ends = (padding // 2, padding - padding // 2)
        x = keras.layers.ZeroPadding2D(((0, 0), ends), name="frontend_pad")(x)
    return keras.layers.Conv2D(
        config.num_mels, (1, TAPS), strides=(1, stride), use_bias=False, name=_BANK
    )(x)


def outputs(
    model: Any, config: "ModelConfig", features: npt.NDArray[np.float32]
) -> Iterator[npt.NDArray[np.float64]]:
    """What `build` makes of each of `features` [n, 1, samples], with the model's weights: float64 [bands, frames]."""
    stride, padding = stride_and_padding(config.frontend.chunk_samples, config.spec_width)
    filters = np.asarray(model.get_layer(_BANK).kernel)[0, :, 0].astype(np.float64)
    for chunk in features[:, 0].astype(np.float64):
        padded = np.pad(chunk, (padding // 2, padding - padding // 2))
        windows = np.lib.stride_tricks.sliding_window_view(padded, TAPS)[::stride]
        yield (windows @ filters).T

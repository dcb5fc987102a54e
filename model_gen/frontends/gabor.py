"""The filterbank of the raw frontend: pairs of Gabor filters in quadrature, folded into strided convolutions.

A frame is a window of two hops, and a hop two folds: where F samples in a row are the channels of one place, a filter
is a convolution of 4 places with a stride of 2. Each of its 4 rows is a convolution of its own, over one place: the
sums stay a quarter as long, of which an NPU cuts off what is too large (docs/npu-arithmetic.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from model_gen.frontends.mel import mel_edges

if TYPE_CHECKING:
    from model_gen.models.config import ModelConfig

ROWS = 4  # of a folded kernel: folds of a window
STRIDE = 2  # folds of a hop
UNIT = 16  # samples: a hop is a multiple of it, so that a fold is one of 8 channels
OVERLAP = 2  # hops of a window
LOW_PASS = np.array([1.0, 3.0, 4.0, 3.0, 1.0]) / 12
_BANK = "frontend_bank{}"
_LOW_PASS = "frontend_low_pass"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Geometry:
    """`frames` windows of 2 `hop` samples each, `hop` apart, from the first of `samples` on.

    What follows the last window, less than 16 samples a frame, is not heard.
    """

    samples: int
    frames: int

    @property
    def hop(self) -> int:
        """Samples from one window to the next, the largest multiple of 16 with which all windows are full."""
        return UNIT * (self.samples // (self.frames - 1 + OVERLAP) // UNIT)

    @property
    def fold(self) -> int:
        """Samples that lie side by side as channels."""
        return self.hop // STRIDE

    @property
    def window(self) -> int:
        """Samples of a filter."""
        return ROWS * self.fold

    def check(self) -> None:
        """Refuse a hop of less than 16 samples.

        Raises:
            BadInput: the frames are too many for the samples.
        """
        if self.hop < UNIT:
            most = self.samples // UNIT - OVERLAP + 1
            raise BadInput(
                f"--audio-frontend raw takes at least {UNIT} samples from frame to frame",
                evidence=f"Received: {self.frames} frames of {self.samples} samples",
                next_step=f"use --spec-width {max(1, most)} or less, or a longer --chunk-duration",
            )


def bank(geometry: Geometry, num_mels: int, sample_rate: int) -> Floats:
    """The filters as they start: float64 [window, 2 num_mels], the real parts and then the imaginary ones.

    Centre c and half width B of a band are those of its mel triangle, B at least 1 Hz; sigma = rate / (2 pi B), at
    most a sixth of the window; exp(-n^2 / 2 sigma^2) times cos and sin of 2 pi c n / rate, n from the window's middle;
    both divided by the root of their energy together.
    """
    edges = mel_edges(num_mels, sample_rate)
    centre = edges[1:-1]
    width = np.maximum(1.0, (edges[2:] - edges[:-2]) / 2)
    sigma = np.minimum(sample_rate / (2 * np.pi * width), geometry.window / 6)
    n = (np.arange(geometry.window) - (geometry.window - 1) / 2)[:, None]
    envelope = np.exp(-(n**2) / (2 * sigma**2))
    turn = 2 * np.pi * centre * n / sample_rate
    real, imaginary = envelope * np.cos(turn), envelope * np.sin(turn)
    energy = np.sqrt((real**2 + imaginary**2).sum(axis=0))
    return np.asarray(np.concatenate([real / energy, imaginary / energy], axis=1))


def build(features: Any, config: "ModelConfig") -> Any:
    """`[batch, 1, samples, 1]` -> envelopes `[batch, 1, frames, num_mels]`, smoothed over time.

    |x| is relu(x) + (relu(x) - x): an NPU's own absolute value computes wrong.
    """
    import keras

    bands = config.num_mels
    geometry = _geometry(config)
    fold = geometry.fold
    places = STRIDE * (geometry.frames - 1) + 1
    filters = bank(geometry, bands, config.frontend.sample_rate)
    partial = []
    for row in range(ROWS):
        start, end = row * fold, (row + places) * fold
        piece = keras.layers.Cropping2D(
            ((0, 0), (start, geometry.samples - end)), name=f"frontend_piece{row}"
        )(features)
        piece = keras.layers.Reshape((1, places, fold), name=f"frontend_folds{row}")(piece)
        convolution = keras.layers.Conv2D(
            2 * bands,
            1,
            strides=(1, STRIDE),
            use_bias=False,
            trainable=config.frontend_trainable,
            name=_BANK.format(row),
        )
        partial.append(convolution(piece))
        kernel = filters[row * fold : (row + 1) * fold]
        convolution.set_weights([kernel[None, None].astype(np.float32)])
    low = keras.layers.Add(name="frontend_sum01")(partial[:2])
    high = keras.layers.Add(name="frontend_sum23")(partial[2:])
    x = keras.layers.Add(name="frontend_sum")([low, high])
    positive = keras.layers.ReLU(name="frontend_positive")(x)
    negative = keras.layers.Subtract(name="frontend_negative")([positive, x])
    x = keras.layers.Add(name="frontend_abs")([positive, negative])
    parts = [  # of the channels, which channels_first takes for the width
        keras.layers.Cropping2D(((0, 0), ends), data_format="channels_first", name=name)(x)
        for name, ends in (
            ("frontend_real", (0, bands)),
            ("frontend_imaginary", (bands, 0)),
        )
    ]
    x = keras.layers.Add(name="frontend_envelope")(parts)
    low_pass = keras.layers.DepthwiseConv2D(
        (1, len(LOW_PASS)), padding="same", use_bias=False, name=_LOW_PASS
    )
    x = low_pass(x)
    taps = np.broadcast_to(LOW_PASS[None, :, None, None], (1, len(LOW_PASS), bands, 1))
    low_pass.set_weights([taps.astype(np.float32)])
    return x


def envelopes(
    model: Any, config: "ModelConfig", features: npt.NDArray[np.float32]
) -> Iterator[Floats]:
    """What `build` makes of each of `features` [n, 1, samples], with the model's weights: float64 [bands, frames]."""
    geometry = _geometry(config)
    kernels = [np.asarray(model.get_layer(_BANK.format(row)).kernel)[0, 0] for row in range(ROWS)]
    filters = np.concatenate(kernels).astype(np.float64)
    taps = np.asarray(model.get_layer(_LOW_PASS).kernel)[0, :, :, 0].astype(np.float64)
    around = len(taps) // 2
    for chunk in features[:, 0].astype(np.float64):
        windows = np.lib.stride_tricks.sliding_window_view(chunk, geometry.window)
        found = np.abs(windows[:: geometry.hop][: geometry.frames] @ filters)
        envelope = found[:, : config.num_mels] + found[:, config.num_mels :]
        padded = np.pad(envelope, ((around, around), (0, 0)))
        smooth = [tap * padded[i : i + geometry.frames] for i, tap in enumerate(taps)]
        yield np.sum(smooth, axis=0).T


def _geometry(config: "ModelConfig") -> Geometry:
    return Geometry(config.frontend.chunk_samples, config.spec_width)

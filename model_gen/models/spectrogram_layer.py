"""The spectrogram that a BirdNET-like network makes of its sound itself, as a Keras layer.

The definition is that of the public layer of BirdNET 2.4, with its arguments; how the magnitudes of a spectrum are
taken is chosen by `part`, since the published code casts the complex spectrum to float and so keeps its real part only.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from host.errors import BadInput
from model_gen.runtime import tensorflow

PARTS = ("magnitude", "real")
FIRST_SCALE = 1.23  # a of the power 1 / (1 + exp(a)) before training: 0.226
_EVEN = 1e-6  # added to the range of a window: one that is constant becomes -1 throughout
_LEAST = 1e-30  # squares below it become 0: the slope of the power is beyond float32 there


@keras.saving.register_keras_serializable("nightjar")
class MelSpectrogram(keras.layers.Layer):  # type: ignore[misc]
    """Sound float32 `[batch, samples]`, or of any shape that holds as many, to `[batch, bands, frames, 1]` >= 0.

    A window is rescaled to [-1, 1] by its own minimum and maximum; frames of a periodic Hann window, without padding;
    `part` of their FFT; TensorFlow's mel matrix (HTK's scale, 1127 ln(1 + f / 700)); square; power 1 / (1 + exp(a));
    mel axis flipped, the highest band first. Always computed in float32: squares are beyond float16.

    Args:
        sample_rate: in Hz.
        spec_shape: bands and frames; frames beyond are cut off.
        frame_step: samples from one frame to the next.
        frame_length: samples of a frame.
        fft_length: samples of its FFT, zeros behind the frame; None: as the frame.
        fmin: lower edge of the lowest band in Hz.
        fmax: upper edge of the highest band in Hz.
        data_format: where the one channel lies: channels_last | channels_first.
        mel_filterbank: [fft_length / 2 + 1, bands] in place of the mel matrix; then no band edge counts.
        part: of the complex spectrum: magnitude | real.

    Raises:
        BadInput: an argument is none of these, or the sample rate does not have the bands.
    """

    def __init__(
        self,
        sample_rate: int = 48000,
        spec_shape: Sequence[int] = (96, 511),
        frame_step: int = 280,
        frame_length: int = 1024,
        fft_length: int | None = None,
        fmin: float = 500.0,
        fmax: float = 15000.0,
        data_format: str = "channels_last",
        mel_filterbank: Any = None,
        part: str = "magnitude",
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.sample_rate = sample_rate
        self.spec_shape = (int(spec_shape[0]), int(spec_shape[1]))
        self.frame_step = frame_step
        self.frame_length = frame_length
        self.fft_length = frame_length if fft_length is None else fft_length
        self.fmin, self.fmax = fmin, fmax
        self.data_format = data_format
        self.part = part
        self.mel_filterbank = mel_filterbank
        self._check()
        self._matrix = self._mel_matrix()

    def build(self, input_shape: Sequence[int | None]) -> None:
        """The one weight: a.

        Raises:
            BadInput: a window has fewer frames than `spec_shape`.
        """
        samples = _samples(input_shape)
        frames = 1 + (samples - self.frame_length) // self.frame_step
        if samples < self.frame_length or frames < self.spec_shape[1]:
            raise BadInput(
                f"a window of sound must have {self.spec_shape[1]} frames",
                evidence=f"Received: {samples} samples, frames of {self.frame_length} every {self.frame_step}",
                next_step="use a longer window, or a smaller frame_step",
            )
        self.magnitude_scaling = self.add_weight(
            name="magnitude_scaling",
            shape=(),
            initializer=keras.initializers.Constant(FIRST_SCALE),
        )

    def call(self, inputs: Any) -> Any:
        """The spectrogram; see the class."""
        tf = tensorflow()
        sound = tf.reshape(inputs, (-1, _samples(inputs.shape)))
        sound -= tf.reduce_min(sound, axis=-1, keepdims=True)
        sound /= tf.reduce_max(sound, axis=-1, keepdims=True) + _EVEN
        spectrum = tf.signal.stft(
            2.0 * sound - 1.0, self.frame_length, self.frame_step, fft_length=self.fft_length
        )
        size = tf.abs(spectrum) if self.part == "magnitude" else tf.math.real(spectrum)
        # Cut off behind it: TensorFlow Lite takes no slices of complex numbers.
        size = size[:, : self.spec_shape[1]]
        power = tf.square(tf.tensordot(size, self._matrix, 1))
        # What the power is not taken of is 1 in its place, whose slope is finite.
        heard = power > _LEAST
        exponent = tf.sigmoid(-tf.convert_to_tensor(self.magnitude_scaling))
        bands = tf.where(heard, tf.pow(tf.where(heard, power, 1.0), exponent), 0.0)
        bands = tf.reverse(tf.transpose(bands, (0, 2, 1)), axis=(1,))
        return tf.expand_dims(bands, 1 if self.data_format == "channels_first" else -1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Of the spectrogram."""
        if self.data_format == "channels_first":
            return (input_shape[0], 1, *self.spec_shape)
        return (input_shape[0], *self.spec_shape, 1)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        given = self.mel_filterbank
        return {
            **super().get_config(),
            "sample_rate": self.sample_rate,
            "spec_shape": list(self.spec_shape),
            "frame_step": self.frame_step,
            "frame_length": self.frame_length,
            "fft_length": self.fft_length,
            "fmin": self.fmin,
            "fmax": self.fmax,
            "data_format": self.data_format,
            "mel_filterbank": None if given is None else np.asarray(given).tolist(),
            "part": self.part,
        }

    def _check(self) -> None:
        for name, value, words in (
            ("part", self.part, PARTS),
            ("data_format", self.data_format, ("channels_last", "channels_first")),
        ):
            if value not in words:
                raise BadInput(
                    f"{name} of a spectrogram must be one of {', '.join(words)}",
                    evidence=f"Received: {value!r}",
                    next_step="give one of these",
                )
        if self.frame_length > self.fft_length or self.frame_step < 1:
            raise BadInput(
                "frames of a spectrogram must fit their FFT, and lie a sample or more apart",
                evidence=f"Received: frames of {self.frame_length} every {self.frame_step}, an FFT of "
                f"{self.fft_length}",
                next_step="give a larger fft_length or frame_step",
            )
        if self.mel_filterbank is None and not 0 <= self.fmin < self.fmax <= self.sample_rate / 2:
            raise BadInput(
                "the bands of a spectrogram must lie between 0 Hz and half its sample rate",
                evidence=f"Received: {self.fmin:g} to {self.fmax:g} Hz at {self.sample_rate} Hz",
                next_step=f"use a sample rate of {2 * self.fmax:g} Hz or more",
            )

    def _mel_matrix(self) -> Any:
        """float32 [fft_length / 2 + 1, bands]."""
        if self.mel_filterbank is not None:
            given = np.asarray(self.mel_filterbank, np.float32)
            wanted = (self.fft_length // 2 + 1, self.spec_shape[0])
            if given.shape != wanted:
                raise BadInput(
                    f"mel_filterbank must have the shape {wanted}",
                    evidence=f"Received: {given.shape}",
                    next_step="leave it out for the mel matrix",
                )
            return given
        tf = tensorflow()
        with tf.init_scope():  # eager, whatever traces this
            made = tf.signal.linear_to_mel_weight_matrix(
                self.spec_shape[0],
                self.fft_length // 2 + 1,
                self.sample_rate,
                self.fmin,
                self.fmax,
            )
            return made.numpy()


def _samples(shape: Sequence[int | None]) -> int:
    """Of a window, whatever axes of one lie around it."""
    return int(np.prod([size or 1 for size in shape[1:]]))

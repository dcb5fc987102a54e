"""The field's recipe, with nothing of ours but the backbone: librosa's log-mel, Keras, and a loop of its own.

It shows what the features and training that everybody has reach on the same data. Windows are placed at random anew
each epoch, the log-mel spectrogram of each is standardized by itself, and the last epoch is kept, to which the cosine
leads. The best one on validation would be another speaker's luck: it came as early as the sixteenth, and was 11 points
worse on the speaker who is tested.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from model_gen.evaluation.learning.conditions import FULL_SCALE, MIDDLE, RATE, WINDOW, place
from model_gen.evaluation.learning.speakers import Clip

Floats = npt.NDArray[np.float32]

MELS, FRAMES, FFT, HOP = 40, 64, 256, 125
# Added to the power in a band before its logarithm. With 80 dB below the peak in its place, silence takes most of the
# standardized range, and less was learned.
FLOOR = 1e-6
EPOCHS, BATCH, LEARNING_RATE = 40, 32, 1e-3
# Gentle: with mixup of every row, and masks of up to 7 bands and 15 frames, the clips of two
# speakers were hardly learned in these epochs.
MIXUP_ALPHA, MIXUP_SHARE = 0.2, 0.25
MASKS, MEL_MASK, TIME_MASK = 2, 5, 7  # masks an axis, and what their widths stay below
_AT_ONCE = 250  # windows of one STFT


@dataclass(frozen=True)
class Trained:
    """The model of the last epoch, and how good it is on validation."""

    model: Any
    labels: tuple[str, ...]
    epochs: int
    val_top1: float

    def logits(self, windows: npt.NDArray[np.int16]) -> Floats:
        """Of int16 [n, WINDOW]: float32 [n, labels]."""
        return np.asarray(self.model.predict(log_mel(windows), batch_size=BATCH, verbose=0))


def log_mel(windows: npt.NDArray[np.int16]) -> Floats:
    """Log-mel spectrograms of int16 [n, WINDOW], each of mean 0 and deviation 1: float32 [n, MELS, FRAMES, 1]."""
    import librosa

    parts = []
    for first in range(0, len(windows), _AT_ONCE):
        sound = windows[first : first + _AT_ONCE].astype(np.float32) / FULL_SCALE
        power = librosa.feature.melspectrogram(
            y=sound, sr=RATE, n_fft=FFT, hop_length=HOP, n_mels=MELS
        )[..., :FRAMES]
        level = np.log(power + FLOOR)
        mean, deviation = (f(level, axis=(1, 2), keepdims=True) for f in (np.mean, np.std))
        parts.append((level - mean) / (deviation + 1e-6))
    return np.concatenate(parts)[..., None].astype(np.float32)


def at_random(clip: Clip, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """The clip anywhere in the window; of a longer one, any window."""
    margin = WINDOW - len(clip.pcm)
    if margin >= 0:
        return place(clip.pcm, int(rng.integers(0, margin + 1)))
    start = int(rng.integers(0, -margin + 1))
    return clip.pcm[start : start + WINDOW]


def mixup(x: Floats, y: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """About MIXUP_SHARE of the rows mixed with another each, by a weight of their own (Zhang et al. 2018)."""
    share = rng.beta(MIXUP_ALPHA, MIXUP_ALPHA, len(x)).astype(np.float32)
    share[rng.random(len(x)) >= MIXUP_SHARE] = 1
    other = rng.permutation(len(x))
    of_x, of_y = share[:, None, None, None], share[:, None]
    return of_x * x + (1 - of_x) * x[other], of_y * y + (1 - of_y) * y[other]


def spec_augment(x: Floats, rng: np.random.Generator) -> Floats:
    """Masks of the mean, which is 0, over bands and frames (Park et al. 2019)."""
    x = x.copy()
    for row in x:
        for axis, most in ((0, MEL_MASK), (1, TIME_MASK)):
            for _ in range(MASKS):
                width = int(rng.integers(0, most))
                start = int(rng.integers(0, row.shape[axis] - width + 1))
                np.moveaxis(row, axis, 0)[start : start + width] = 0
    return x


def network(labels: Sequence[str], seed: int) -> Any:
    """The DS-CNN of our own widths, from float32 [batch, MELS, FRAMES, 1] to logits [batch, labels]."""
    import keras

    from host.frontend_contract import FrontendContract
    from model_gen.models.config import ModelConfig
    from model_gen.models.dscnn import build

    keras.utils.set_random_seed(seed)
    given = keras.Input((MELS, FRAMES, 1))
    config = ModelConfig(frontend=FrontendContract(), labels=tuple(labels))  # for the widths
    return keras.Model(given, build(given, config, seed))


def train_reference(
    train: Sequence[Clip], val: Sequence[Clip], *, seed: int, epochs: int = EPOCHS
) -> Trained:
    """Train on `train`; `val` decides nothing, and is judged at the end with clips at a quarter second."""
    import keras

    labels = tuple(sorted({clip.label for clip in train}))
    rng = np.random.default_rng(seed)
    model = network(labels, seed)
    steps = -(-len(train) // BATCH) * epochs
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    y = np.eye(len(labels), dtype=np.float32)[[labels.index(clip.label) for clip in train]]
    for _ in range(epochs):
        x = log_mel(np.stack([at_random(clip, rng) for clip in train]))
        mixed_x, mixed_y = mixup(x, y, rng)
        model.fit(spec_augment(mixed_x, rng), mixed_y, batch_size=BATCH, verbose=0)
    trained = Trained(model, labels, epochs, 0.0)
    guess = trained.logits(np.stack([place(clip.pcm, MIDDLE) for clip in val])).argmax(axis=1)
    right = [labels[i] == clip.label for i, clip in zip(guess, val, strict=True)]
    return replace(trained, val_top1=float(np.mean(right)))

"""A BirdNET-like network, which hears sound itself: a spectrogram layer and the blocks of EfficientNet-B0.

After what BirdNET's developers say of version 2.4: spectrogram, convolution, pooling, inverted residuals with squeeze
and excitation, global average pooling, a linear classifier of an embedding of 1,024. It need not run on a board.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from host.errors import BadInput

if TYPE_CHECKING:
    from model_gen.models.config import ModelConfig

HEARS = "waveform"
EMBEDDING = 1024
STEM_WIDTH = 32
SE_RATIO = 0.25  # of the channels that the block begins with
MELS, FRAMES = 96, 511


@dataclass(frozen=True)
class Options:
    """What decides the network, as options of training are called."""

    alpha: float = 1.0  # width of the blocks
    depth_multiplier: float = 1.0  # repeats
    dropout: float = 0.5
    teacher_bands: int = 1  # spectrograms of different bands: 1 | 2
    spectrogram_part: str = "magnitude"  # of the complex spectrum: magnitude | real


@dataclass(frozen=True)
class Band:
    """One spectrogram: samples of its frames, which are those of its FFT, and its edges in Hz."""

    frame_length: int
    low: float
    high: float

    def step(self, samples: int) -> int:
        """Samples from one frame to the next, so that FRAMES of them fill a window: 280 or 278 of 3 s at 48 kHz."""
        return (samples - self.frame_length) // (FRAMES - 1)


# Of BirdNET 2.4 as its developers describe it, and of the two inputs that it has now.
BANDS = {
    1: (Band(1024, 500.0, 15000.0),),
    2: (Band(2048, 0.0, 3000.0), Band(1024, 500.0, 15000.0)),
}


@dataclass(frozen=True)
class Stage:
    """A row of EfficientNet-B0's table (Tan and Le, EfficientNet, 2019, table 1)."""

    expansion: int
    channels: int
    repeats: int
    stride: int
    kernel: int


STAGES = (
    Stage(1, 16, 1, 1, 3),
    Stage(6, 24, 2, 2, 3),
    Stage(6, 40, 2, 2, 5),
    Stage(6, 80, 3, 2, 3),
    Stage(6, 112, 3, 1, 5),
    Stage(6, 192, 4, 2, 5),
    Stage(6, 320, 1, 1, 3),
)


def check_sound(sample_rate: int, samples: int, options: Any) -> None:
    """Hold a window of sound against the spectrograms of it.

    Args:
        sample_rate: in Hz.
        samples: of a window.
        options: those of training, or `Options`.

    Raises:
        BadInput: the rate does not have a band, or 511 frames do not fit or do not fill the window.
    """
    bands = BANDS[options.teacher_bands]
    high = max(band.high for band in bands)
    if sample_rate < 2 * high:
        raise BadInput(
            f"--backbone teacher hears up to {high:g} Hz, which needs --sample-rate {2 * high:.0f} or more",
            evidence=f"Received: --sample-rate {sample_rate}, which has no sound above {sample_rate / 2:g} Hz",
            next_step="leave --sample-rate out, for 48000 and recordings of that rate; or use --backbone dscnn",
        )
    least = max(band.frame_length for band in bands) + FRAMES - 1
    most = min(band.frame_length for band in bands) * FRAMES
    if not least <= samples <= most:
        raise BadInput(
            f"--backbone teacher hears windows of {least / sample_rate:.3g} to {most / sample_rate:.3g} s: "
            f"{FRAMES} frames must fit into one, and leave nothing out",
            evidence=f"Received: {samples} samples, {samples / sample_rate:g} s at {sample_rate} Hz",
            next_step="leave --chunk-duration out, for 3 s",
        )


@dataclass(frozen=True)
class Block:
    """One MBConv block: where it lies and how wide it is."""

    name: str  # what its layers' names begin with
    expansion: int
    channels: int
    stride: int
    kernel: int  # side of the depthwise convolution


def blocks(options: Options) -> Iterator[Block]:
    """The blocks, in order; the first of each stage has its stride."""
    from model_gen.models.blocks.channels import make_divisible

    for number, stage in enumerate(STAGES, start=1):
        for repeat in range(1, math.ceil(stage.repeats * options.depth_multiplier) + 1):
            yield Block(
                f"stage{number}_block{repeat}",
                stage.expansion,
                make_divisible(stage.channels * options.alpha),
                stage.stride if repeat == 1 else 1,
                stage.kernel,
            )


def build(x: Any, config: "ModelConfig", seed: int = 0) -> Any:
    """`[batch, 1, samples, 1]` -> logits `[batch, labels]`.

    Raises:
        BadInput: as `check_sound`.
    """
    import keras

    from model_gen.models.blocks.channels import make_divisible

    options: Options = config.options
    x = _spectrograms(x, config)
    x = _conv_bn(x, make_divisible(STEM_WIDTH * options.alpha), 3, "stem")
    x = keras.layers.AveragePooling2D(2, padding="same", name="stem_pool")(x)
    for block in blocks(options):
        x = _mbconv(x, block)
    x = _conv_bn(x, EMBEDDING, 1, "embedding")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    if options.dropout:
        x = keras.layers.Dropout(options.dropout, seed=seed, name="dropout")(x)
    # In float32 whatever the policy: a probability near 0 or 1 is beyond float16.
    return keras.layers.Dense(len(config.labels), dtype="float32", name="logits")(x)


def _spectrograms(x: Any, config: "ModelConfig") -> Any:
    """`[batch, 1, samples, 1]` -> `[batch, 96, 511, bands]`, float32."""
    import keras

    from model_gen.models.spectrogram_layer import MelSpectrogram

    options: Options = config.options
    sound = config.frontend
    check_sound(sound.sample_rate, sound.chunk_samples, options)
    made = [
        MelSpectrogram(
            sound.sample_rate,
            (MELS, FRAMES),
            band.step(sound.chunk_samples),
            band.frame_length,
            fmin=band.low,
            fmax=band.high,
            part=options.spectrogram_part,
            name=f"spectrogram{number}",
        )(x)
        for number, band in enumerate(BANDS[options.teacher_bands], start=1)
    ]
    if len(made) == 1:
        return made[0]
    return keras.layers.Concatenate(dtype="float32", name="spectrograms")(made)


def _swish(x: Any, name: str) -> Any:
    import keras

    return keras.layers.Activation("swish", name=f"{name}_swish")(x)


def _conv_bn(x: Any, channels: int, kernel: int, name: str, *, swish: bool = True) -> Any:
    """Convolution without bias, batch normalization, swish: `[batch, h, w, c]` -> `[batch, h, w, channels]`."""
    import keras

    from model_gen.models.blocks.convolution import batch_norm

    x = keras.layers.Conv2D(channels, kernel, padding="same", use_bias=False, name=f"{name}_conv")(
        x
    )
    x = batch_norm(x, f"{name}_bn")
    return _swish(x, name) if swish else x


def _mbconv(x: Any, block: Block) -> Any:
    """Expand, depthwise, squeeze and excitation, project, and the residual where the shape stays.

    `[batch, h, w, c]` -> `[batch, ceil(h / stride), ceil(w / stride), channels]`. An expansion of 1 has no
    convolution.
    """
    import keras

    from model_gen.models.blocks.convolution import batch_norm, drop_and_add

    source, name = x, block.name
    if block.expansion != 1:
        x = _conv_bn(x, source.shape[-1] * block.expansion, 1, f"{name}_expand")
    x = keras.layers.DepthwiseConv2D(
        block.kernel, strides=block.stride, padding="same", use_bias=False, name=f"{name}_dw"
    )(x)
    x = _swish(batch_norm(x, f"{name}_dw_bn"), f"{name}_dw")
    x = _squeeze_excite(x, max(1, int(source.shape[-1] * SE_RATIO)), f"{name}_se")
    x = _conv_bn(x, block.channels, 1, f"{name}_project", swish=False)
    return drop_and_add(x, source, block.stride, name, dropout=0.0, seed=0)


def _squeeze_excite(x: Any, middle: int, name: str) -> Any:
    """x sigmoid(W2 swish(W1 mean(x) + b1) + b2), the mean over height and width."""
    import keras

    channels = x.shape[-1]
    gate = keras.layers.GlobalAveragePooling2D(name=f"{name}_squeeze")(x)
    gate = keras.layers.Dense(middle, activation="swish", name=f"{name}_reduce")(gate)
    gate = keras.layers.Dense(channels, activation="sigmoid", name=f"{name}_excite")(gate)
    gate = keras.layers.Reshape((1, 1, channels), name=f"{name}_gate")(gate)
    return keras.layers.Multiply(name=f"{name}_scale")([x, gate])

"""The DS-CNN: depthwise-separable stages over [mels, frames, 1], down to one logit a label."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_gen.models.config import ModelConfig

STEM_WIDTH = 16


@dataclass(frozen=True)
class Options:
    """What decides the network, as options of training are called."""

    alpha: float = 1.0  # width
    depth_multiplier: float = 1.0  # repeats
    stage_widths: tuple[int, ...] = (32, 64, 128, 256)
    stage_repeats: tuple[int, ...] = (2, 3, 4, 2)
    depthwise_kernel: tuple[int, ...] = (3,)  # side, of all stages or of each
    embeddings_size: int = 256
    se: bool = False  # squeeze and excitation
    se_reduction: int = 8
    inverted_residual: bool = False
    expansion_factor: int = 2
    use_attention_pooling: bool = False
    dropout: float = 0.5
    spatial_dropout: float = 0.1


def build(x: Any, config: "ModelConfig", seed: int = 0) -> Any:
    """`[batch, mels, frames, 1]` -> logits `[batch, labels]`.

    The stem halves time only, each stage halves both: 16 times less in frequency, 32 in time. The embedding
    convolution is left out where the last stage is already as wide as `embeddings_size`.
    """
    import keras

    from model_gen.models.blocks import conv_bn_relu6, ds_block, make_divisible

    options: Options = config.options
    x = conv_bn_relu6(x, make_divisible(STEM_WIDTH * options.alpha), 3, (1, 2), "stem")
    stages = zip(options.stage_widths, options.stage_repeats, strict=True)
    for stage, (width, repeats) in enumerate(stages, start=1):
        channels = make_divisible(width * options.alpha)
        for block in range(math.ceil(repeats * options.depth_multiplier)):
            x = ds_block(
                x,
                channels,
                stride=2 if block == 0 else 1,
                name=f"stage{stage}_block{block + 1}",
                seed=seed + 100 * stage + block,
                dropout=options.spatial_dropout,
            )
    if x.shape[-1] != options.embeddings_size:
        x = conv_bn_relu6(x, options.embeddings_size, 1, (1, 1), "embedding")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    if options.dropout:
        x = keras.layers.Dropout(options.dropout, seed=seed, name="dropout")(x)
    # In float32 whatever the policy: a probability near 0 or 1 is beyond float16.
    return keras.layers.Dense(len(config.labels), dtype="float32", name="logits")(x)

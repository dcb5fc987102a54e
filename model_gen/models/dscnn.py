"""The DS-CNN: depthwise-separable stages over [mels, frames, 1], down to one logit a label."""

import math
from typing import Any

import keras

from model_gen.models.blocks.channels import make_divisible
from model_gen.models.blocks.convolution import conv_bn_relu6
from model_gen.models.blocks.separable import ds_block
from model_gen.models.config import ModelConfig

STEM_WIDTH = 16
WIDTHS = (32, 64, 128, 256)
REPEATS = (2, 3, 4, 2)


def build(x: Any, config: ModelConfig, seed: int = 0) -> Any:
    """`[batch, mels, frames, 1]` -> logits `[batch, labels]`.

    The stem halves time only, each stage halves both: 16 times less in frequency, 32 in time. The embedding
    convolution is left out where the last stage is already as wide as `embeddings_size`.
    """
    x = conv_bn_relu6(x, make_divisible(STEM_WIDTH * config.alpha), 3, (1, 2), "stem")
    for stage, (width, repeats) in enumerate(zip(WIDTHS, REPEATS, strict=True), start=1):
        channels = make_divisible(width * config.alpha)
        for block in range(math.ceil(repeats * config.depth_multiplier)):
            x = ds_block(
                x,
                channels,
                stride=2 if block == 0 else 1,
                name=f"stage{stage}_block{block + 1}",
                seed=seed + 100 * stage + block,
                dropout=config.spatial_dropout,
            )
    if x.shape[-1] != config.embeddings_size:
        x = conv_bn_relu6(x, config.embeddings_size, 1, (1, 1), "embedding")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, seed=seed, name="dropout")(x)
    # In float32 whatever the policy: a probability near 0 or 1 is beyond float16.
    return keras.layers.Dense(len(config.labels), dtype="float32", name="logits")(x)

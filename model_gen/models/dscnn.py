"""The DS-CNN: four stages of blocks over [mels, frames, 1], down to one logit a label."""

import math
from collections.abc import Iterator
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


@dataclass(frozen=True)
class Block:
    """One block: where it lies and how wide it is."""

    stage: int  # from 1 on
    number: int  # within the stage, from 1 on
    channels: int
    stride: int
    kernel: int  # side of the depthwise convolution

    @property
    def name(self) -> str:
        """What its layers' names begin with."""
        return f"stage{self.stage}_block{self.number}"


def blocks(options: Options) -> Iterator[Block]:
    """The blocks, in order; the first of each stage halves height and width."""
    from model_gen.models.blocks.channels import make_divisible

    kernels = options.depthwise_kernel
    kernels = kernels * (len(options.stage_widths) // len(kernels))
    stages = zip(options.stage_widths, options.stage_repeats, kernels, strict=True)
    for stage, (width, repeats, kernel) in enumerate(stages, start=1):
        for number in range(1, math.ceil(repeats * options.depth_multiplier) + 1):
            channels = make_divisible(width * options.alpha)
            yield Block(stage, number, channels, 2 if number == 1 else 1, kernel)


def build(x: Any, config: "ModelConfig", seed: int = 0) -> Any:
    """`[batch, mels, frames, 1]` -> logits `[batch, labels]`.

    The stem halves time only, each stage halves both: 16 times less in frequency, 32 in time. The embedding
    convolution is left out where the last stage is already as wide as `embeddings_size`.
    """
    import keras

    from model_gen.models.blocks.attention_pooling import attention_pooling
    from model_gen.models.blocks.channels import make_divisible
    from model_gen.models.blocks.convolution import conv_bn_relu6

    options: Options = config.options
    x = conv_bn_relu6(x, make_divisible(STEM_WIDTH * options.alpha), 3, (1, 2), "stem")
    for block in blocks(options):
        x = _build_block(x, block, options, seed + 100 * block.stage + block.number - 1)
    if x.shape[-1] != options.embeddings_size:
        x = conv_bn_relu6(x, options.embeddings_size, 1, (1, 1), "embedding")
    if options.use_attention_pooling:
        x = attention_pooling(x, "pool")
    else:
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    if options.dropout:
        x = keras.layers.Dropout(options.dropout, seed=seed, name="dropout")(x)
    # In float32 whatever the policy: a probability near 0 or 1 is beyond float16.
    return keras.layers.Dense(len(config.labels), dtype="float32", name="logits")(x)


def _build_block(x: Any, block: Block, options: Options, seed: int) -> Any:
    """An inverted residual with squeeze and excitation inside, or a depthwise-separable block with it behind."""
    from model_gen.models.blocks.inverted_residual import inverted_residual
    from model_gen.models.blocks.separable import ds_block
    from model_gen.models.blocks.squeeze_excite import squeeze_excite

    shape: dict[str, Any] = {
        "channels": block.channels,
        "stride": block.stride,
        "kernel": block.kernel,
        "name": block.name,
        "seed": seed,
        "dropout": options.spatial_dropout,
    }
    reduction = options.se_reduction if options.se else None
    if options.inverted_residual:
        return inverted_residual(
            x, expansion=options.expansion_factor, se_reduction=reduction, **shape
        )
    x = ds_block(x, **shape)
    return x if reduction is None else squeeze_excite(x, reduction, f"{block.name}_se")


def remarks(model: Any) -> Iterator[str]:
    """What to tell of a network before it trains."""
    from model_gen.models.blocks.attention_pooling import doubtful_places

    if "pool_weights" in {layer.name for layer in model.layers}:
        said = doubtful_places(*model.get_layer("pool_weights").output.shape[1:3])
        if said is not None:
            yield said

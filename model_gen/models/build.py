"""From a configuration to a Keras model: features in, logits out."""

import importlib
from typing import Any

from host.errors import BadInput
from model_gen.frontends import frontend
from model_gen.models.config import ModelConfig

# Name -> module with `build(x, config, seed)`.
BACKBONES = {"dscnn": "model_gen.models.dscnn"}


def build_model(
    config: ModelConfig, *, seed: int = 0, batch_size: int | None = None, mixed: bool = False
) -> Any:
    """A `keras.Model` from float32 `[batch, bins, frames, 1]` in [0, 1] to logits float32 `[batch, labels]`.

    `mixed` computes in float16 with weights in float32, all but the head: for training alone.

    Raises:
        BadInput: the backbone, frontend or scaling of `config` is unknown.
    """
    import keras

    if config.backbone not in BACKBONES:
        raise BadInput(
            f"the backbone must be one of {', '.join(BACKBONES)}",
            evidence=f"Received: {config.backbone!r}",
            next_step="train the model again with one of these",
        )
    keras.utils.set_random_seed(seed)
    backbone = importlib.import_module(BACKBONES[config.backbone]).build
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if mixed else "float32")
    try:
        features = keras.Input(
            (config.frontend.bins, config.frontend.frames, 1),
            batch_size=batch_size,
            dtype="float32",
            name="features",
        )
        x = frontend(config.frontend.name)(features, config)
        return keras.Model(features, backbone(x, config, seed), name="nightjar")
    finally:
        keras.config.set_dtype_policy(policy)

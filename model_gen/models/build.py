"""From a configuration to a Keras model: features in, logits out."""

from typing import Any

from model_gen.frontends import frontend
from model_gen.models.backbones import backbone, hears_waveform
from model_gen.models.config import ModelConfig


def build_model(
    config: ModelConfig, *, seed: int = 0, batch_size: int | None = None, mixed: bool = False
) -> Any:
    """A `keras.Model` from features float32 `[batch, rows, frames, 1]` to logits float32 `[batch, labels]`.

    `mixed` computes in float16 with weights in float32, all but the head: for training alone.

    Raises:
        BadInput: the frontend or scaling of `config` is unknown.
    """
    import keras

    keras.utils.set_random_seed(seed)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if mixed else "float32")
    try:
        features = keras.Input(
            (config.frontend.rows, config.frontend.frames, 1),
            batch_size=batch_size,
            dtype="float32",
            name="features",
        )
        x = features
        if not hears_waveform(config.backbone):
            x = frontend(config.audio_frontend).build(features, config)
        return keras.Model(
            features, backbone(config.backbone).build(x, config, seed), name="nightjar"
        )
    finally:
        keras.config.set_dtype_policy(policy)

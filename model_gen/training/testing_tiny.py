"""A network for tests of what is around one: it takes the place of `build_model`, and is traced in a second."""

from typing import Any

from model_gen.models.blocks.convolution import conv_bn_relu6
from model_gen.models.config import ModelConfig

# Options under which nothing of the frontend lies in the network.
ALONE = {"audio_frontend": "log_mel", "input_compression": "log1p", "mag_scale": "none"}


def tiny(config: ModelConfig, *, seed: int = 0, mixed: bool = False) -> Any:
    """Two convolutions, the pool and the head, called as the DS-CNN's are; `mixed` changes nothing."""
    import keras

    keras.utils.set_random_seed(seed)
    shape = (config.frontend.rows, config.frontend.frames, 1)
    x = features = keras.Input(shape, dtype="float32", name="features")
    for number in range(2):
        x = conv_bn_relu6(x, 8, 3, (2, 2), f"c{number}")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(features, keras.layers.Dense(len(config.labels), name="logits")(x))

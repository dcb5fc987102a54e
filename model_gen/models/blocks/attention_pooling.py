"""Attention pooling: a mean over places whose weights the network finds, one score a place for all channels."""

from typing import Any

import keras

# Int8 softmax has steps of 1/256: of more places than this each has less than four steps in the mean.
MOST_PLACES = 64


def attention_pooling(x: Any, name: str = "pool") -> Any:
    """sum over places p of softmax(w x_p) x_p; `[batch, h, w, c]` -> `[batch, c]`.

    w is `[c]`; a bias would be the same for all places, which a softmax does not see. The sum is written as the mean
    times h w: TFLite's reference sums int8 wrongly, and an NPU has no batched matrix product. The converter takes the
    factor into the kernel of the dense layer that follows. The softmax is in float32 whatever the policy.
    """
    height, width = x.shape[1:3]
    score = keras.layers.Conv2D(1, 1, use_bias=False, name=f"{name}_score")(x)
    score = keras.layers.Reshape((height * width,), name=f"{name}_scores")(score)
    weight = keras.layers.Softmax(dtype="float32", name=f"{name}_softmax")(score)
    weight = keras.layers.Reshape((height, width, 1), name=f"{name}_weights")(weight)
    x = keras.layers.Multiply(name=f"{name}_weigh")([x, weight])
    x = keras.layers.GlobalAveragePooling2D(name=name)(x)
    return keras.layers.Rescaling(float(height * width), name=f"{name}_places")(x)


def doubtful_places(height: int, width: int) -> str | None:
    """What to tell of attention over so many places; None where there is nothing to tell."""
    places = height * width
    if places == 1:
        return (
            "attention pooling over 1 place weighs nothing: take more --spec-width or --num-mels, "
            "or leave --use-attention-pooling out"
        )
    if places <= MOST_PLACES:
        return None
    return (
        f"attention pooling over {places} places: in int8 a weight has steps of 1/256, so that "
        f"beyond {MOST_PLACES} places most become 0 to 4 of them"
    )

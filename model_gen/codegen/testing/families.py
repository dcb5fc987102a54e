"""For tests: the model families that people deploy, small but with every kind of layer that theirs have."""

from typing import Any


def mobilenet_v1(layers: Any) -> tuple[Any, Any]:
    """MLPerf Tiny's visual wake words, MobileNet v1: a 3x3 stem, depthwise separable blocks, batch norms, softmax."""
    inputs = layers.Input((32, 32, 3))
    x = layers.Conv2D(8, 3, 2, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for width, stride in ((16, 1), (24, 2), (24, 1), (32, 2), (32, 1), (48, 2)):
        x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(width, 1, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Flatten()(layers.AveragePooling2D(2)(x))
    return inputs, layers.Dense(2, activation="softmax")(x)


def mobilenet_v2(layers: Any) -> tuple[Any, Any]:
    """Inverted residuals as MobileNet v2 and v3 have them: ReLU6, then hard-swish with squeeze and excitation."""
    inputs = layers.Input((20, 24, 3))
    x = layers.Conv2D(8, 3, 2, padding="same", use_bias=False)(inputs)
    x = _hard_swish(layers.BatchNormalization()(x))
    for width, kernel, stride, late in (
        (8, 3, 1, False),
        (12, 3, 2, False),
        (12, 5, 1, True),
        (16, 5, 2, True),
    ):
        x = _inverted_residual(x, layers, width, kernel, stride, late)
    x = _hard_swish(layers.BatchNormalization()(layers.Conv2D(32, 1, use_bias=False)(x)))
    return inputs, layers.Dense(6)(layers.GlobalAveragePooling2D()(x))


def _inverted_residual(
    x: Any, layers: Any, width: int, kernel: int, stride: int, late: bool
) -> Any:
    """Expand, depthwise, gate when `late`, project, and add where the shapes allow."""

    def activation(y: Any) -> Any:
        return _hard_swish(y) if late else layers.ReLU(6.0)(y)

    y = layers.Conv2D(3 * x.shape[-1], 1, use_bias=False)(x)
    y = activation(layers.BatchNormalization()(y))
    y = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False)(y)
    y = activation(layers.BatchNormalization()(y))
    if late:
        gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
        gate = layers.Conv2D(4, 1, activation="relu")(gate)
        gate = layers.Conv2D(y.shape[-1], 1)(gate)
        y = layers.Multiply()([y, layers.ReLU(6.0)(gate + 3.0) * (1.0 / 6.0)])
    y = layers.BatchNormalization()(layers.Conv2D(width, 1, use_bias=False)(y))
    return layers.Add()([x, y]) if x.shape == y.shape else y


def _hard_swish(x: Any) -> Any:
    """The spelling that the converter knows."""
    import keras

    return x * keras.ops.relu6(x + 3.0) * (1.0 / 6.0)


def resnet8(layers: Any) -> tuple[Any, Any]:
    """MLPerf Tiny's image classifier: three stages of one block, projected shortcuts, average pooling, softmax."""
    inputs = layers.Input((16, 16, 3))
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(inputs))
    x = layers.ReLU()(x)
    for width, stride in ((8, 1), (16, 2), (32, 2)):
        y = layers.Conv2D(width, 3, stride, padding="same")(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(width, 3, padding="same")(y))
        if stride > 1:
            x = layers.Conv2D(width, 1, stride, padding="same")(x)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.Flatten()(layers.AveragePooling2D(4)(x))
    return inputs, layers.Dense(10, activation="softmax")(x)


def autoencoder(layers: Any) -> tuple[Any, Any]:
    """MLPerf Tiny's anomaly detector: dense layers with batch norms down to a narrow one and up again."""
    inputs = layers.Input((128,))
    x = inputs
    for width in (32, 32, 8, 32, 32):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(width)(x)))
    return inputs, layers.Dense(128)(x)


def temporal(layers: Any) -> tuple[Any, Any]:
    """With a fixed batch the converter keeps each dilation in its CONV_2D."""
    return _temporal(layers, layers.Input((48, 10), batch_size=1))


def temporal_open(layers: Any) -> tuple[Any, Any]:
    """With an open batch, Keras's default, it writes SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND."""
    return _temporal(layers, layers.Input((48, 10)))


def _temporal(layers: Any, inputs: Any) -> tuple[Any, Any]:
    """A 1-D temporal CNN: causal convolutions with growing dilations and residuals."""
    x = layers.Conv1D(12, 1)(inputs)
    for dilation in (1, 2, 4, 8):
        y = layers.Conv1D(12, 3, dilation_rate=dilation, padding="causal", activation="relu")(x)
        y = layers.Conv1D(12, 1)(layers.BatchNormalization()(y))
        x = layers.ReLU()(layers.Add()([x, y]))
    return inputs, layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling1D()(x))


def ds_cnn(layers: Any) -> tuple[Any, Any]:
    """MLPerf Tiny's keyword spotter: a tall first kernel with stride 2, depthwise separable blocks, softmax."""
    inputs = layers.Input((25, 10, 1))
    x = layers.Conv2D(16, (10, 4), 2, padding="same")(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for _ in range(3):
        x = layers.DepthwiseConv2D(3, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(16, 1)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.AveragePooling2D((x.shape[1], x.shape[2]))(layers.Dropout(0.4)(x))
    return inputs, layers.Dense(12, activation="softmax")(layers.Flatten()(x))


FAMILIES = {
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v2": mobilenet_v2,
    "resnet8": resnet8,
    "autoencoder": autoencoder,
    "temporal": temporal,
    "temporal_open": temporal_open,
    "ds_cnn": ds_cnn,
}

"""For tests: every Keras layer that has an int8 form, in one model that is converted once, and what is taken of it.

`python -m model_gen.codegen.testing.keras_layers` prints the page docs/keras-layers.md.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.tflite.findings import Refused
from model_gen.codegen.tflite.graph import Graph, Refusal
from model_gen.codegen.tflite.reader import read_tflite
from model_gen.codegen.tflite.view import ROUNDINGS

Build = Callable[[Any, Any], Any]  # (keras.layers, input) -> output

IMAGE, SEQUENCE, VECTOR = (8, 8, 4), (8, 4), (8,)

_ACTIVATIONS = (
    *(
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "gelu",
        "selu",
        "celu",
        "sigmoid",
        "hard_sigmoid",
        "silu",
    ),
    *(
        "hard_silu",
        "tanh",
        "hard_tanh",
        "tanh_shrink",
        "softplus",
        "softsign",
        "exponential",
        "softmax",
    ),
    *("log_softmax", "mish", "log_sigmoid", "squareplus", "soft_shrink", "hard_shrink", "glu"),
)


def _activation(name: str) -> Build:
    return lambda layers, x: layers.Activation(name)(x)


def _plain(name: str, *arguments: Any, **options: Any) -> Build:
    return lambda layers, x: getattr(layers, name)(*arguments, **options)(x)


def _merging(name: str, **options: Any) -> Build:
    return lambda layers, x: getattr(layers, name)(**options)([x, layers.Activation("tanh")(x)])


def _attending(name: str, *arguments: Any) -> Build:
    return lambda layers, x: getattr(layers, name)(*arguments)(x, x)


# Name in the table -> (input, what is built of it).
LAYERS: dict[str, tuple[tuple[int, ...], Build]] = {
    **{f'Activation("{name}")': (VECTOR, _activation(name)) for name in _ACTIVATIONS},
    "ELU": (VECTOR, _plain("ELU")),
    "LeakyReLU": (VECTOR, _plain("LeakyReLU")),
    "PReLU": (VECTOR, _plain("PReLU")),
    "ReLU": (VECTOR, _plain("ReLU")),
    "ReLU(6.0)": (VECTOR, _plain("ReLU", 6.0)),
    "ReLU(threshold=0.3)": (VECTOR, _plain("ReLU", threshold=0.3)),
    "Softmax": (VECTOR, _plain("Softmax")),
    "Dense": (VECTOR, _plain("Dense", 5)),
    "EinsumDense": (SEQUENCE, _plain("EinsumDense", "abc,cd->abd", output_shape=(None, 5))),
    "Conv1D": (SEQUENCE, _plain("Conv1D", 5, 3)),
    "Conv2D": (IMAGE, _plain("Conv2D", 5, 3)),
    "Conv2D(dilation_rate=2)": (IMAGE, _plain("Conv2D", 5, 3, dilation_rate=2)),
    "Conv2D(groups=2)": (IMAGE, _plain("Conv2D", 4, 3, groups=2)),
    "Conv1DTranspose": (SEQUENCE, _plain("Conv1DTranspose", 5, 3)),
    "Conv2DTranspose": (IMAGE, _plain("Conv2DTranspose", 5, 3, strides=2)),
    "DepthwiseConv1D": (SEQUENCE, _plain("DepthwiseConv1D", 3)),
    "DepthwiseConv2D": (IMAGE, _plain("DepthwiseConv2D", 3)),
    "SeparableConv1D": (SEQUENCE, _plain("SeparableConv1D", 5, 3)),
    "SeparableConv2D": (IMAGE, _plain("SeparableConv2D", 5, 3)),
    "AveragePooling1D": (SEQUENCE, _plain("AveragePooling1D", 2)),
    "AveragePooling2D": (IMAGE, _plain("AveragePooling2D", 2)),
    "MaxPooling1D": (SEQUENCE, _plain("MaxPooling1D", 2)),
    "MaxPooling2D": (IMAGE, _plain("MaxPooling2D", 2)),
    "GlobalAveragePooling1D": (SEQUENCE, _plain("GlobalAveragePooling1D")),
    "GlobalAveragePooling2D": (IMAGE, _plain("GlobalAveragePooling2D")),
    "GlobalMaxPooling1D": (SEQUENCE, _plain("GlobalMaxPooling1D")),
    "GlobalMaxPooling2D": (IMAGE, _plain("GlobalMaxPooling2D")),
    "BatchNormalization": (IMAGE, _plain("BatchNormalization")),
    "GroupNormalization": (IMAGE, _plain("GroupNormalization", 2)),
    "LayerNormalization": (SEQUENCE, _plain("LayerNormalization")),
    "RMSNormalization": (SEQUENCE, _plain("RMSNormalization")),
    "UnitNormalization": (VECTOR, _plain("UnitNormalization")),
    "Normalization": (VECTOR, _plain("Normalization", mean=[0.1] * 8, variance=[2.0] * 8)),
    "Rescaling": (VECTOR, _plain("Rescaling", 0.5, 1.0)),
    "AdditiveAttention": (SEQUENCE, _merging("AdditiveAttention")),
    "Attention": (SEQUENCE, _merging("Attention")),
    "GroupQueryAttention": (SEQUENCE, _attending("GroupQueryAttention", 4, 2, 1)),
    "MultiHeadAttention": (SEQUENCE, _attending("MultiHeadAttention", 2, 4)),
    "Add": (VECTOR, _merging("Add")),
    "Average": (VECTOR, _merging("Average")),
    "Concatenate": (VECTOR, _merging("Concatenate")),
    "Dot": (SEQUENCE, _merging("Dot", axes=2)),
    "Maximum": (VECTOR, _merging("Maximum")),
    "Minimum": (VECTOR, _merging("Minimum")),
    "Multiply": (VECTOR, _merging("Multiply")),
    "Subtract": (VECTOR, _merging("Subtract")),
    "CenterCrop": (IMAGE, _plain("CenterCrop", 4, 4)),
    "Cropping1D": (SEQUENCE, _plain("Cropping1D", 1)),
    "Cropping2D": (IMAGE, _plain("Cropping2D", 1)),
    "Flatten": (IMAGE, _plain("Flatten")),
    "Permute": (IMAGE, _plain("Permute", (3, 1, 2))),
    "RepeatVector": (VECTOR, _plain("RepeatVector", 3)),
    "Reshape": (VECTOR, _plain("Reshape", (2, 4))),
    "Resizing": (IMAGE, _plain("Resizing", 5, 6)),
    "UpSampling1D": (SEQUENCE, _plain("UpSampling1D", 2)),
    "UpSampling2D": (IMAGE, _plain("UpSampling2D", 2)),
    'UpSampling2D(interpolation="bilinear")': (
        IMAGE,
        _plain("UpSampling2D", 2, interpolation="bilinear"),
    ),
    "ZeroPadding1D": (SEQUENCE, _plain("ZeroPadding1D", 1)),
    "ZeroPadding2D": (IMAGE, _plain("ZeroPadding2D", 1)),
}


@dataclass(frozen=True)
class Row:
    """A layer: the ops that the converter makes of it, and for each rule those that are refused."""

    layer: str
    ops: tuple[str, ...]
    refused: tuple[tuple[str, ...], ...]


def converted() -> bytes:
    """The .tflite of one model whose outputs are the layers', each under the layer's place in LAYERS."""
    from host.reference.model import stdout_to_stderr
    from model_gen.runtime import tensorflow

    with stdout_to_stderr():
        tf = tensorflow()
        import keras

        keras.utils.set_random_seed(7)
        # Of one input the converter would share what several layers compute.
        inputs, outputs = {}, {}
        for number, (shape, build) in enumerate(LAYERS.values()):
            x = keras.Input(shape, batch_size=1, name=f"i{number}")
            inputs[x.name], outputs[f"n{number}"] = x, build(keras.layers, x)
        model = keras.Model(list(inputs.values()), outputs)
        generator = np.random.default_rng(3)

        def calibration() -> Any:
            for _ in range(2):
                yield {
                    name: generator.standard_normal(x.shape, np.float32)
                    for name, x in inputs.items()
                }

        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = calibration
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())


def rows(model: bytes) -> list[Row]:
    """What is taken of `converted()`, layer by layer."""
    graph = read_tflite(model)
    refused = [_refused(model, rounding) for rounding in ROUNDINGS]
    outputs = _outputs(model)
    found = []
    for number, layer in enumerate(LAYERS):
        ops = _behind(graph, outputs[f"n{number}"])
        names = tuple(_names(graph, one.intersection(ops)) for one in refused)
        found.append(Row(layer, _names(graph, ops), names))
    return found


def _names(graph: Graph, ops: Iterable[int]) -> tuple[str, ...]:
    return tuple(sorted({graph.ops[i].name for i in ops}))


def _outputs(model: bytes) -> dict[str, int]:
    """The name that the model's function has for each output -> its tensor."""
    import tflite

    signature = tflite.Model.GetRootAs(model, 0).SignatureDefs(0)
    ends = (signature.Outputs(i) for i in range(signature.OutputsLength()))
    return {end.Name().decode(): end.TensorIndex() for end in ends}


def _refused(model: bytes, rounding: str) -> set[int]:
    """The ops that are refused."""
    try:
        plan_model(model, rounding=rounding)
    except Refused as error:
        return {op for one in error.findings for op in one.ops}
    except Refusal as error:
        return {error.op.index}
    return set()


def _behind(graph: Graph, tensor: int) -> list[int]:
    """The ops that a tensor is computed by, in order."""
    wanted, found = {tensor}, []
    for op in reversed(graph.ops):
        if wanted & set(op.outputs):
            found.append(op.index)
            wanted |= set(op.inputs)
    return found[::-1]


def page(found: list[Row]) -> str:
    """docs/keras-layers.md."""
    lines = [
        "# Keras's layers on the board",
        "",
        "Layers of Keras 3 that TensorFlow Lite's converter writes with int8 ends and no custom op, each alone",
        "between an input and an output: the ops that become of it, and which of them `nightjar generate`",
        "refuses under each rounding rule. `python -m model_gen.codegen.testing.keras_layers` prints the page,",
        "and a test holds it to what is taken.",
        "",
        "| layer | ops | " + " | ".join(f"`{rounding}`" for rounding in ROUNDINGS) + " |",
        "|---|---|" + "---|" * len(ROUNDINGS),
    ]
    for row in found:
        verdicts = " | ".join(
            f"refused: {', '.join(ops)}" if ops else "taken" for ops in row.refused
        )
        lines.append(f"| {row.layer} | {', '.join(row.ops) or '(none)'} | {verdicts} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(page(rows(converted())), end="")

"""What the converter is handed, beside Keras's own export."""

from pathlib import Path
from typing import Any

import numpy as np

from model_gen.quantization.convert import INT8, converter_of, exported
from model_gen.runtime import tensorflow


def _model() -> Any:
    """Variables that training moves and that it does not, and a loop over frames."""
    import keras

    heard = keras.Input((8, 12, 1))
    seen = keras.layers.Conv2D(4, 3, padding="same", use_bias=False)(heard)
    seen = keras.layers.BatchNormalization()(seen)
    seen = keras.layers.Dropout(0.5)(keras.layers.ReLU(6)(seen))
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(seen)
    seen = keras.layers.Multiply()([seen, keras.layers.Conv2D(4, 1, activation="sigmoid")(gate)])
    return keras.Model(heard, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(seen)))


def _as_keras_exports(model: Any, folder: str) -> None:
    import keras

    archive = keras.export.ExportArchive()
    archive.track(model)
    spec = tensorflow().TensorSpec((1, *model.input_shape[1:]), "float32", name="features")
    archive.add_endpoint("serve", lambda x: model(x, training=False), input_signature=[spec])
    archive.write_out(folder, verbose=False)


def _content(saved: Path) -> tuple[list[Any], list[Any], Any]:
    """Tensors with values of constants, ops, signatures; no names of outputs and of constants, which are numbered."""
    calibration = np.random.default_rng(1).uniform(-1, 1, (4, 8, 12)).astype(np.float32)
    tf = tensorflow()
    made = tf.lite.Interpreter(
        model_content=bytes(converter_of(str(saved), INT8, calibration).convert()),
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
    )
    outputs = {one["index"] for one in made.get_output_details()}
    produced = {int(i) for op in made._get_ops_details() for i in op["outputs"]}
    taken = {int(one["index"]) for one in made.get_input_details()}
    tensors = []
    for one in made.get_tensor_details():
        constant = one["index"] not in produced | taken
        tensors.append(
            (
                "" if constant or one["index"] in outputs else one["name"],
                one["dtype"].__name__,
                one["shape"].tolist(),
                one["quantization_parameters"]["scales"].tolist(),
                one["quantization_parameters"]["zero_points"].tolist(),
                made.get_tensor(one["index"]).tolist() if constant else None,
            )
        )
    ops = [
        (op["op_name"], op["inputs"].tolist(), op["outputs"].tolist())
        for op in made._get_ops_details()
    ]
    return tensors, ops, made.get_signature_list()


def test_the_converter_makes_the_same_of_it_as_of_keras_s_export(tmp_path: Path) -> None:
    tensorflow()
    import keras

    keras.utils.set_random_seed(3)
    model = _model()
    model.layers[2].set_weights([np.array([1.5, 0.5, 1, 2]), *np.ones((3, 4)) * 0.25])
    exported(model, str(tmp_path / "frozen"))
    _as_keras_exports(model, str(tmp_path / "keras"))
    assert _content(tmp_path / "frozen") == _content(tmp_path / "keras")

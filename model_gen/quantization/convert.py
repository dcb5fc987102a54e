"""Checkpoint to TFLite, as a program of its own: `python -m model_gen.quantization.convert FOLDER`."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model_gen.quantization.apart import ARRAY, JOB, RESULT, run_apart
from model_gen.quantization.form import Form

INT8 = Form()


def convert_checkpoint(
    checkpoint: Path,
    calibration: npt.NDArray[np.float32] | None,
    form: Form = INT8,
    *,
    config: Path | None = None,
) -> bytes:
    """The .tflite of a checkpoint, converted in a fresh process; the same bytes each time.

    Args:
        checkpoint: a `.keras` file with its configuration beside it.
        calibration: features float32 [n, rows, frames]; activation ranges are their absolute extremes. None where
            `form` takes none.
        form: what it becomes.
        config: instead of the configuration beside it.

    Raises:
        HostFailure: the converter failed, with the end of what it said.
    """
    job = job_of(checkpoint, form, config)
    return run_apart(__spec__.name, job, calibration)


def job_of(checkpoint: Path, form: Form, config: Path | None = None) -> dict[str, Any]:
    """What a program of its own is told, as JSON has it."""
    return {
        "checkpoint": str(checkpoint),
        "config": None if config is None else str(config),
        "form": asdict(form),
    }


def with_activation(model: Any, activation: str) -> Any:
    """The model with scores for logits: sigmoid or softmax behind it."""
    import keras

    layer = keras.layers.Softmax if activation == "softmax" else keras.layers.Activation
    given = {} if activation == "softmax" else {"activation": "sigmoid"}
    return keras.Model(model.input, layer(**given, name="scores")(model.output), name=model.name)


def exported(model: Any, folder: str) -> None:
    """Save a Keras model as a SavedModel for batches of one, its variables as constants.

    What the converter makes of it is what it makes of `keras.export.ExportArchive`'s, bit for bit, but for the names of
    the output and of nameless constants (a test). That one traces the model for each of its functions, and the
    converter loads, freezes and traces it again: four times as long in all.
    """
    from model_gen.runtime import tensorflow

    tf = tensorflow()
    from tensorflow.python.framework import convert_to_constants

    traced = tf.function(lambda features: model(features, training=False), autograph=False)
    shape = (1, *model.input_shape[1:])
    function = traced.get_concrete_function(tf.TensorSpec(shape, tf.float32, name="features"))
    frozen = tf.Module()
    frozen.serve = convert_to_constants.convert_variables_to_constants_v2(function)
    tf.saved_model.save(frozen, folder, signatures=frozen.serve)


def representative(calibration: npt.NDArray[np.float32]) -> Iterator[list[Any]]:
    """Batches of one [1, rows, frames, 1] of features [n, rows, frames]."""
    for features in calibration:
        yield [features[None, ..., None]]


def converter_of(saved: str, form: Form, calibration: npt.NDArray[np.float32] | None) -> Any:
    """TFLite's converter of a SavedModel, told what to make of it."""
    from model_gen.runtime import tensorflow

    tf = tensorflow()
    converter = tf.lite.TFLiteConverter.from_saved_model(saved)
    if form.scheme != "float":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if form.per_tensor:
        converter._experimental_disable_per_channel = True
    if calibration is not None:
        converter.representative_dataset = lambda: representative(calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = getattr(tf, form.ends)
        converter.inference_output_type = getattr(tf, form.ends)
    return converter


def loaded(job: dict[str, Any], form: Form) -> Any:
    """The Keras model that a job is of, with what its form puts behind it."""
    from model_gen.models.checkpoint import load_checkpoint

    config = job["config"]
    model, known = load_checkpoint(Path(job["checkpoint"]), config and Path(config))
    return with_activation(model, known.class_activation) if form.output == "scores" else model


def main(folder: Path) -> None:
    """The program."""
    job = json.loads((folder / JOB).read_text())
    form = Form(**job["form"])
    calibration = np.load(folder / ARRAY) if form.calibrated else None
    saved = str(folder / "saved")
    exported(loaded(job, form), saved)
    (folder / RESULT).write_bytes(bytes(converter_of(saved, form, calibration).convert()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

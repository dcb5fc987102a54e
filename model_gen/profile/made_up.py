"""A model in int8 with ranges that are made up: right in its ops and costs, wrong in its numbers."""

from typing import Any

import numpy as np

from host.reference.model import stdout_to_stderr
from model_gen.runtime import tensorflow


def int8_model(model: Any) -> bytes:
    """The full-int8 .tflite of a model, calibrated with normal numbers."""
    tf = tensorflow()
    generator = np.random.default_rng(2)
    shapes = {tensor.name: (1, *tensor.shape[1:]) for tensor in model.inputs}

    def calibration() -> Any:
        for _ in range(2):
            yield {n: generator.standard_normal(s).astype(np.float32) for n, s in shapes.items()}

    with stdout_to_stderr():
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = calibration
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())

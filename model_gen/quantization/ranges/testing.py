"""For tests: calibrated models of small functions, and what the converter's quantizer makes of them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from host.reference.model import stdout_to_stderr
from model_gen.codegen.tflite.graph import Graph
from model_gen.codegen.tflite.reader import read_tflite
from model_gen.quantization.form import Form
from model_gen.quantization.ranges.own import quantized
from model_gen.quantization.ranges.steps import Steps
from model_gen.runtime import tensorflow


def calibrated(function: Callable[..., Any], *shapes: Sequence[int]) -> bytes:
    """The calibrated model of a function of float32 tensors, by one random window."""
    tf = tensorflow()
    specs = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    graph = tf.function(function, input_signature=specs).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([graph], tf.Module())
    rng = np.random.default_rng(1)
    window = [rng.uniform(0.5, 1, shape).astype(np.float32) for shape in shapes]
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: iter([window])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converter._experimental_calibrate_only = True
    with stdout_to_stderr():
        return bytes(converter.convert())


def int8_graph(content: bytes) -> Graph:
    """What the quantizer makes of a calibrated model."""
    with stdout_to_stderr():
        return read_tflite(quantized(content, Form()))


def steps_by_name(graph: Graph) -> dict[str, Steps]:
    """Name -> scale and zero point of each int8 tensor with one of them."""
    return {
        tensor.name: (tensor.quantization.scales[0], tensor.quantization.zero_points[0])
        for tensor in graph.tensors
        if tensor.quantization is not None and len(tensor.quantization.scales) == 1
    }

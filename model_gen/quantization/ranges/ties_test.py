"""What the converter does with ranges that are written into a calibrated model, op by op."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from model_gen.codegen.tflite.reader import read_tflite
from model_gen.quantization.ranges.record import ranges_in, with_ranges
from model_gen.quantization.ranges.steps import Range, activation_steps, kernel_scales
from model_gen.quantization.ranges.testing import calibrated, int8_graph, steps_by_name
from model_gen.quantization.ranges.ties import FIXED, JOINED, PASSED, expected_steps
from model_gen.runtime import tensorflow

SHAPE = (1, 4, 6, 8)
tf = tensorflow()
# Op -> a function in which it stands between multiplications, which tie nothing.
ONE: dict[str, Callable[[Any], Any]] = {
    "RESHAPE": lambda x: tf.reshape(x, (1, 24, 8)),
    "TRANSPOSE": lambda x: tf.transpose(x, (0, 3, 1, 2)),
    "PAD": lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]),
    "STRIDED_SLICE": lambda x: x[:, ::2],
    "SLICE": lambda x: tf.slice(x, tf.constant([0, 1, 0, 0]), tf.constant([1, 2, 6, 8])),
    "GATHER": lambda x: tf.gather(x, [0, 2], axis=1),
    "MAX_POOL_2D": lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"),
    "AVERAGE_POOL_2D": lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"),
    "LOGISTIC": tf.sigmoid,
    "SOFTMAX": tf.nn.softmax,
    "TANH": tf.tanh,
    "PADV2": lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=1.0),
    "MAXIMUM": lambda x: tf.maximum(x, 0.3),
    "MEAN": lambda x: tf.reduce_mean(x, (1, 2)),
    "LOG": tf.math.log,
}
TWO: dict[str, Callable[[Any, Any], Any]] = {
    "CONCATENATION": lambda x, y: tf.concat([x, y], -1),
    "MAXIMUM": tf.maximum,
    "MINIMUM": tf.minimum,
    "ADD": lambda x, y: x + y,
    "SUB": lambda x, y: x - y,
    "MUL": lambda x, y: x * y,
}
CHAINS: dict[str, Callable[[Any, Any], Any]] = {
    "the last of several results decides": lambda x, y: tf.maximum(
        tf.concat([tf.maximum(x * 2.0, y * 3.0), y * 5.0], 1), 0.25
    ),
    "a tie goes up through what moves": lambda x, y: tf.concat(
        [tf.nn.max_pool2d(x * 2.0, 2, 2, "VALID"), tf.nn.max_pool2d(y * 3.0, 2, 2, "VALID")], -1
    ),
    "a fixed scale goes down": lambda x, y: tf.transpose(tf.sigmoid(x * y), (0, 2, 1, 3)),
    "what is tied is read untied, too": lambda x, y: tf.maximum(x * 2.0, y) + x * 2.0,
}
CASES: dict[str, tuple[str | None, Callable[..., Any], int]] = {
    **{f"{op}, alone": (op, f, 1) for op, f in ONE.items()},
    **{f"{op} of two": (op, f, 2) for op, f in TWO.items()},
    **{name: (None, f, 2) for name, f in CHAINS.items()},
}


def all_cases(x: Any, y: Any) -> list[Any]:
    """Each case between multiplications of its own, so that it shares no tensor with another."""
    return [
        function(*(given * (1.1 + number) for given in (x, y)[:count])) * (2.5 + number)
        for number, (_, function, count) in enumerate(CASES.values())
    ]


def test_the_converter_ties_what_the_table_says() -> None:
    """One model of all cases, whose ranges are drawn anew each time."""
    content = calibrated(all_cases, SHAPE, SHAPE)
    graph = read_tflite(content)
    assert {op for op, _, _ in CASES.values() if op} <= {op.name for op in graph.ops}
    rng = np.random.default_rng(4)
    for _ in range(5):
        ranges = {
            index: (-float(np.float32(rng.uniform(1, 9))), float(np.float32(rng.uniform(1, 9))))
            for index in ranges_in(content)
        }
        made = int8_graph(with_ranges(content, ranges))
        assert "QUANTIZE" not in {one.name for one in made.ops}
        found, expected = steps_by_name(made), expected_steps(graph, ranges)
        assert set(expected) == set(ranges)
        for index, steps in expected.items():
            assert found[graph.tensors[index].name] == steps, graph.tensors[index].name


def test_every_op_of_the_table_has_a_case() -> None:
    assert JOINED | PASSED | set(FIXED) == {*ONE, *TWO} - {"MEAN", "LOG", "ADD", "SUB", "MUL"}


def test_where_two_scales_are_needed_the_converter_converts_and_nothing_is_said() -> None:
    def function(x: Any, y: Any) -> Any:
        x = x * 2.0
        return tf.concat([x, y], -1) * 2.0, tf.concat([y * 3.0, x], -1) * 3.0

    content = calibrated(function, SHAPE, SHAPE)
    graph, ranges = read_tflite(content), ranges_in(content)
    assert "QUANTIZE" in {op.name for op in int8_graph(content).ops}
    tied = {i for op in graph.ops if op.name == "CONCATENATION" for i in (*op.inputs, *op.outputs)}
    assert not tied & set(expected_steps(graph, ranges))


def test_steps_are_those_of_the_converter_to_the_bit() -> None:
    """Of ranges of all sizes, at 0, symmetric, and narrower than 1e-6."""
    content = calibrated(lambda x: sum(x * (k / 7) for k in range(1, 40)), (1, 4))
    graph, rng = read_tflite(content), np.random.default_rng(5)
    ranges: dict[int, Range] = {}
    for number, index in enumerate(ranges_in(content)):
        size = np.float32(10.0 ** rng.uniform(-9, 6))
        low, high = -size * np.float32(rng.uniform()), size * np.float32(rng.uniform())
        low = (low, np.float32(0), -high, low, -high)[number % 5]
        high = (high, high, high, np.float32(0), high)[number % 5]
        ranges[index] = (float(low), float(high))
    found = steps_by_name(int8_graph(with_ranges(content, ranges)))
    assert len(ranges) > 70
    for index, held in ranges.items():
        assert found[graph.tensors[index].name] == activation_steps(held), held


def test_a_record_is_written_over_and_no_other_byte() -> None:
    content = calibrated(lambda x: x * 2.0, (1, 3))
    ranges = ranges_in(content)
    assert with_ranges(content, ranges) == content
    changed = with_ranges(content, dict.fromkeys(ranges, (-1.5, 4.5)))
    assert ranges_in(changed) == dict.fromkeys(ranges, (-1.5, 4.5))
    assert with_ranges(changed, ranges) == content
    with pytest.raises(KeyError):
        with_ranges(content, {999: (0.0, 1.0)})


@pytest.mark.parametrize("op", ["conv", "depthwise", "dense"])
def test_kernels_and_biases_are_in_steps_of_their_channels(op: str) -> None:
    rng = np.random.default_rng(3)
    shape = {"conv": (3, 3, 8, 5), "depthwise": (3, 3, 8, 1), "dense": (8, 5)}[op]
    kernel = (rng.normal(size=shape) * 10.0 ** rng.uniform(-4, 1, shape[-1])).astype(np.float32)
    outputs = 8 if op == "depthwise" else 5
    bias = rng.normal(size=outputs).astype(np.float32)

    def function(x: Any) -> Any:
        if op == "dense":
            return tf.matmul(tf.reshape(x, (-1, 8)), kernel) + bias
        conv = tf.nn.conv2d if op == "conv" else tf.nn.depthwise_conv2d
        return conv(x, kernel, [1, 1, 1, 1], "SAME") + bias

    content = calibrated(function, SHAPE)
    graph, made = read_tflite(content), int8_graph(content)
    before, after = graph.ops[-1], made.ops[-1]
    assert before.name == after.name
    plain = graph.tensors[before.inputs[1]].value
    weights, sums = (made.tensors[i] for i in after.inputs[1:])
    assert plain is not None
    assert weights.value is not None
    assert sums.value is not None
    assert weights.quantization is not None
    assert sums.quantization is not None
    axis = 3 if op == "depthwise" else 0
    assert weights.quantization.axis == axis
    scales = kernel_scales(plain, axis)
    np.testing.assert_array_equal(scales, np.array(weights.quantization.scales, np.float32))
    wide = (
        scales[:, None, None, None]
        if op == "conv"
        else scales[:, None]
        if op == "dense"
        else scales
    )
    np.testing.assert_array_equal(np.round(plain / wide), weights.value)
    source = made.tensors[after.inputs[0]].quantization
    assert source is not None
    np.testing.assert_array_equal(
        np.float32(source.scales[0]) * scales, np.array(sums.quantization.scales, np.float32)
    )
    given = graph.tensors[before.inputs[2]].value
    assert given is not None
    steps = given.astype(np.float64) / np.asarray(sums.quantization.scales)
    assert np.abs(steps - sums.value).max() <= 1  # the last of millions is float32's
    small = np.abs(steps) < 1e6
    np.testing.assert_array_equal(np.round(steps[small]), sums.value[small])

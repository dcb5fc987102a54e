from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tflite

from host.errors import BadInput, HostFailure
from model_gen.codegen.tflite.reader import read_tflite
from model_gen.quantization.form import Form
from model_gen.quantization.ranges.kernels import check_kernels
from model_gen.quantization.ranges.own import (
    Endless,
    Owned,
    check_steps,
    own_ranges,
    paired,
    quantized,
    require_finite,
)
from model_gen.quantization.ranges.record import ranges_in, with_ranges
from model_gen.quantization.ranges.recorded import (
    computations,
    ranges_csv,
    read_ranges,
    recorded_in,
    shares,
)
from model_gen.quantization.ranges.testing import calibrated
from model_gen.runtime import tensorflow

tf = tensorflow()
SHAPE = (1, 4, 6, 1)
RNG = np.random.default_rng(2)
KERNEL = RNG.normal(size=(1, 1, 8, 8)).astype(np.float32) * 0.01
WIDE = RNG.normal(size=(1, 1, 1, 8)).astype(np.float32)
WINDOWS = RNG.normal(size=(5, 4, 6)).astype(np.float32)


def residual(scale: float) -> Callable[[Any], Any]:
    """A residual of small values on large ones, and a head behind it."""

    def function(x: Any) -> Any:
        x = tf.nn.conv2d(x, WIDE, 1, "SAME")
        return (x + tf.nn.conv2d(x, KERNEL, 1, "SAME")) * scale

    return function


def named(content: bytes, ranges: dict[int, Any]) -> dict[str, Any]:
    """Op -> range of its result; of two, the last one's."""
    return {op.name: ranges[op.outputs[0]] for op in read_tflite(content).ops}


def test_an_operand_of_a_sum_has_its_own_range_and_not_the_sums() -> None:
    content = calibrated(residual(2.0), SHAPE)
    theirs = named(content, ranges_in(content))
    assert theirs["CONV_2D"] == theirs["ADD"]
    ours, taken = own_ranges(content, WINDOWS, {})
    assert taken == 0
    wide = WINDOWS[..., None] * WIDE[0, 0]
    small = wide @ KERNEL[0, 0]
    for op, values in (("CONV_2D", small), ("ADD", wide + small), ("MUL", 2 * (wide + small))):
        np.testing.assert_allclose(
            named(content, ours)[op], (values.min(), values.max()), rtol=1e-5
        )
    assert ours[read_tflite(content).inputs[0]] == (WINDOWS.min(), WINDOWS.max())


def test_the_steps_of_the_model_are_held_against_its_ranges() -> None:
    content = calibrated(residual(2.0), SHAPE)
    ours, _ = own_ranges(content, WINDOWS, {})
    content = with_ranges(content, ours)
    int8 = quantized(content, Form())
    check_steps(Owned(int8, content, 0))
    add = next(op.outputs[0] for op in read_tflite(content).ops if op.name == "ADD")
    other = with_ranges(content, {add: (-100.0, 100.0)})
    with pytest.raises(HostFailure, match="other steps"):
        check_steps(Owned(int8, other, 0))


def test_a_tensor_of_another_name_is_held_and_a_missing_one_is_refused() -> None:
    content = calibrated(residual(2.0), SHAPE)
    graph, int8 = read_tflite(content), quantized(content, Form())
    names = [graph.tensors[i].name for op in graph.ops for i in op.outputs]
    assert check_steps(Owned(int8, content, 0)) == 1 + len(names)
    renamed = int8
    for name in names:
        renamed = renamed.replace(name.encode(), b"?" * len(name))
    assert not {one.name for one in read_tflite(renamed).tensors} & set(names)
    assert check_steps(Owned(renamed, content, 0)) == 1 + len(names)
    other = with_ranges(content, {graph.ops[-1].outputs[0]: (-100.0, 100.0)})
    with pytest.raises(HostFailure, match="other steps"):
        check_steps(Owned(renamed, other, 0))
    less = quantized(calibrated(lambda x: tf.nn.conv2d(x, WIDE, 1, "SAME"), SHAPE), Form())
    with pytest.raises(HostFailure, match="other steps"):
        check_steps(Owned(less, content, 0))


def test_the_steps_of_a_kernel_are_held_against_its_weights(
    capfd: pytest.CaptureFixture[str],
) -> None:
    content = calibrated(residual(2.0), SHAPE)
    ours, _ = own_ranges(content, WINDOWS, {})
    content = with_ranges(content, ours)
    capfd.readouterr()
    int8 = quantized(content, Form())
    assert capfd.readouterr() == ("", "")  # the quantizer prints a line at each call
    graph, made = read_tflite(content), read_tflite(int8)
    assert check_kernels(paired(graph, made), graph, made) == 2
    whole = read_tflite(quantized(content, Form(per_tensor=True)))
    assert check_kernels(paired(graph, whole), graph, whole) == 2
    other = bytearray(content)
    weights = tflite.Model.GetRootAs(other, 0)
    index = next(op.inputs[1] for op in graph.ops if op.name == "CONV_2D")
    buffer = weights.Subgraphs(0).Tensors(index).Buffer()
    weights.Buffers(buffer).DataAsNumpy().view(np.float32)[:] *= 1.01
    with pytest.raises(HostFailure, match="a kernel other steps than its weights"):
        check_steps(Owned(int8, bytes(other), 0))


def test_a_range_of_what_is_no_number_is_none() -> None:
    windows = WINDOWS.copy()
    windows[1, 2, 3] = np.nan
    content = calibrated(residual(2.0), SHAPE)
    ours, _ = own_ranges(content, windows, {})
    assert np.isnan(list(ours.values())).all()
    with pytest.raises(Endless) as caught:
        require_finite(content, windows, ours)
    assert "nan to nan" in caught.value.evidence
    fine, _ = own_ranges(content, WINDOWS, {})
    require_finite(content, WINDOWS, fine)


def test_what_is_beyond_float32_is_named() -> None:
    def function(x: Any) -> Any:
        x = residual(1e30)(x)
        return x * x

    content = calibrated(function, SHAPE)
    graph = read_tflite(content)
    ours, _ = own_ranges(content, WINDOWS, {})
    with pytest.raises(Endless) as caught:
        require_finite(content, WINDOWS, ours)
    assert f"e+38 of {graph.tensors[graph.outputs[0]].name}" in caught.value.evidence


def test_to_share_the_input_is_to_share_nothing() -> None:
    def other(x: Any) -> Any:
        return tf.transpose(x, (0, 2, 1, 3)) * 3.0

    backbone, stranger = calibrated(residual(2.0), SHAPE), calibrated(other, SHAPE)
    recorded = read_ranges(ranges_csv(backbone))
    assert own_ranges(stranger, WINDOWS, recorded)[1] > 0
    assert not shares(stranger, recorded)
    assert shares(calibrated(residual(3.0), SHAPE), recorded)


def test_recorded_ranges_are_taken_for_the_same_computations_alone() -> None:
    backbone, other = calibrated(residual(2.0), SHAPE), calibrated(residual(3.0), SHAPE)
    ours, _ = own_ranges(backbone, WINDOWS, {})
    text = ranges_csv(with_ranges(backbone, ours))
    recorded = read_ranges(text)
    assert set(recorded.values()) == set(ours.values())
    mixed, taken = own_ranges(other, 10 * WINDOWS, recorded)
    assert taken == len(ours) - 1  # all but the head
    one, two = named(backbone, ours), named(other, mixed)
    assert {op: one[op] == two[op] for op in one} == {"CONV_2D": True, "ADD": True, "MUL": False}
    np.testing.assert_allclose(two["MUL"], 15 * np.array(one["MUL"]), rtol=1e-5)
    digests = [computations(read_tflite(model)) for model in (backbone, other)]
    assert sum(a != b for a, b in zip(*(d.values() for d in digests), strict=True)) == 1


@pytest.mark.parametrize(
    "text",
    ["", "a,b\n", "tensor,computation,least,most\nx,y,1\n", "tensor,computation,least,most\nx,y,2,1\n",
     "tensor,computation,least,most\nx,y,nan,1\n"],
)  # fmt: skip
def test_a_text_that_is_none_of_ranges_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"columns|line 2"):
        read_ranges(text)


def test_what_is_no_bundle_has_no_ranges(tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(b"x")
    with pytest.raises(BadInput, match="--ranges-from"):
        recorded_in(model)

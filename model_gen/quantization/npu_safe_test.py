"""Dummy kernels: the function stays, byte by byte, and no sum is cut off any more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.errors import BadInput
from host.npu.compiler.model import compile_model, predict
from host.npu.compiler.testing_filterbank import Filterbank, filters
from host.reference.model import ReferenceModel
from model_gen.codegen.neural_art.lint import judge
from model_gen.codegen.neural_art.lint.testing import convolution, names, subject
from model_gen.codegen.testing.models import builder, single
from model_gen.codegen.testing.single_ops import constant, q, window
from model_gen.codegen.tflite.reader import read_tflite
from model_gen.quantization.dummy_kernel import kernel_of_sum, with_dummy_kernel
from model_gen.quantization.npu_safe import npu_safe

WAVE = np.tile([[90, -90]], (1, 32)).astype(np.int8)
LOUD = WAVE.reshape(1, 1, 1, 64)


def _outputs(content: bytes, value: np.ndarray) -> list[bytes]:
    model = ReferenceModel(content)
    done = model.run([value])
    return [done[end.tensor].tobytes() for end in model.outputs]


def _with_bias(content: bytes) -> bytes:
    """A convolution again, with a bias of zeros, without which the reference has none."""
    graph = read_tflite(content)
    source, weights, out = (graph.tensors[i] for i in (0, 1, 2))
    assert weights.quantization is not None
    assert weights.value is not None
    scales = list(weights.quantization.scales)
    ends = [one.quantization for one in (source, out)]
    assert ends[0] is not None
    assert ends[1] is not None
    step = ends[0].scales[0]
    return single(
        "CONV_2D",
        [
            q(source.shape, step, 0),
            builder().Tensor(weights.shape, scales, 0, weights.value),
            builder().Tensor(
                (len(scales),),
                [step * one for one in scales],
                0,
                np.zeros(len(scales), np.int32),
                "int32",
            ),
        ],
        q(out.shape, ends[1].scales[0], 0),
        {"Conv2DOptions": window(padding=1, strideW=2, dilationHFactor=1, dilationWFactor=1)},
        version=3,
    )


def test_the_filterbank_is_mended_and_stays_the_same_model() -> None:
    bank = Filterbank(filters("cos"))
    content = _with_bias(bank.tflite)
    safe = npu_safe(content, [bank.source])
    assert len(safe.done) == 1
    assert "cs 0 becomes 4, 2,441 of 17,024 sums were cut off, now none" in safe.done[0]
    assert _outputs(safe.content, bank.source) == _outputs(content, bank.source)
    assert [op.name for op in read_tflite(safe.content).ops] == ["CONV_2D", "SLICE"]
    assert "saturation" not in names(judge(subject(safe.content, [bank.source])))
    wanted = ReferenceModel(content).run([bank.source])[3].astype(int)
    wrong = predict(content, "2.2", [bank.source]).outputs[0]
    right = predict(safe.content, "2.2", [bank.source]).outputs[0]
    assert np.abs(wrong - wanted).max() > 100
    assert np.abs(right - wanted).max() <= 1


def test_a_sound_model_stays_as_it_is() -> None:
    content = convolution(np.abs(WAVE), [1.0], output_scale=8000.0)
    safe = npu_safe(content, [np.abs(LOUD)])
    assert (safe.content, safe.done, safe.left) == (content, (), ())


def test_what_cannot_be_mended_is_said() -> None:
    """A depthwise convolution has no room for a kernel of another channel."""
    taps = np.full((1, 8, 8, 1), 90, np.int8)
    taps[:, ::2] = -90
    content = single(
        "DEPTHWISE_CONV_2D",
        [q((1, 8, 8, 1), 1.0, 0), builder().Tensor(taps.shape, 1.0, 0, taps), constant([0])],
        q((1, 1, 1, 1), 4000.0, 0),
        {
            "DepthwiseConv2DOptions": window(
                padding=1, depthMultiplier=1, dilationHFactor=1, dilationWFactor=1
            )
        },
    )
    safe = npu_safe(content, [taps.reshape(1, 8, 8, 1)])
    assert (safe.content, safe.done) == (content, ())
    assert any("saturation" in one for one in safe.left)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["CONV_2D", "FULLY_CONNECTED"]), st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_dummy_kernel_changes_no_output(seed: int, op: str, has_bias: bool) -> None:
    random = np.random.default_rng(seed)
    kernels, channels = int(random.integers(1, 6)), int(random.integers(3, 20))
    spatial = op == "CONV_2D"
    shape = (kernels, 2, 2, channels) if spatial else (kernels, channels)
    taps = random.integers(-127, 128, shape).astype(np.int8)
    scales = random.uniform(0.001, 0.1, kernels).astype(np.float32).tolist()
    weights = builder().Tensor(shape, scales if spatial else scales[0], 0, taps)
    bias = None  # which TFLite takes for a fully connected layer alone
    if has_bias or spatial:
        values = random.integers(-3000, 3000, kernels).astype(np.int32)
        units = [0.05 * one for one in scales] if spatial else 0.05 * scales[0]
        bias = builder().Tensor((kernels,), units, 0, values, "int32")
    source, out = (
        ((1, 4, 4, channels), (1, 3, 3, kernels)) if spatial else ((1, channels), (1, kernels))
    )
    options = (
        {"Conv2DOptions": window(padding=1, dilationHFactor=1, dilationWFactor=1)}
        if spatial
        else {"FullyConnectedOptions": {}}
    )
    content = single(op, [q(source, 0.05, -3), weights, bias], q(out, 0.4, 5), options, version=3)
    total = int(random.integers(1, 127 * taps[0].size))
    changed = with_dummy_kernel(content, 0, total)
    for _ in range(3):
        value = random.integers(-128, 128, source).astype(np.int8)
        assert _outputs(changed, value) == _outputs(content, value)
    layer = compile_model(changed, "4.0").layers[0]
    assert layer.convolution.weights[-1].sum() == total  # type: ignore[attr-defined]


def test_bad_ops_and_sums_are_refused() -> None:
    content = convolution(WAVE, [1.0])
    with pytest.raises(BadInput, match="enough weights"):
        with_dummy_kernel(content, 0, 64 * 127 + 1)
    assert kernel_of_sum(64 * 127, (64,)).sum() == 64 * 127
    pooled = single("ABS", [q((1, 8), 0.1, 0)], q((1, 8), 0.1, 0), {"AbsOptions": {}})
    with pytest.raises(BadInput, match="CONV_2D or FULLY_CONNECTED"):
        with_dummy_kernel(pooled, 0, 5)

"""Rules that look at a model: each with one that fires it and its nearest sound neighbour."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.npu.compiler.model import compile_model, predict
from host.npu.compiler.testing_filterbank import Filterbank, filters
from model_gen.codegen.neural_art.lint import judge
from model_gen.codegen.neural_art.lint.testing import (
    convolution,
    found,
    found_without_inputs,
    names,
    subject,
)
from model_gen.codegen.testing.models import single
from model_gen.codegen.testing.net import make_net
from model_gen.codegen.testing.single_ops import q
from model_gen.codegen.tflite.graph import Array

CHANNELS = 64


def _ramp(channels: int = CHANNELS, level: int = 127) -> Array:
    return np.linspace(-level, level, channels).astype(np.int8).reshape(1, 1, 1, channels)


def _flat(channels: int = CHANNELS, level: int = 127) -> Array:
    return np.full((1, 1, 1, channels), level, np.int8)


def _two_kernels(small: int) -> Array:
    """One kernel of a single weight 1, and one whose weights all are `small`."""
    weights = np.full((2, CHANNELS), small, np.int8)
    weights[0] = 0
    weights[0, 0] = 1
    return weights


def test_a_channel_of_a_tiny_scale_that_counts_is_coarse() -> None:
    weights = _two_kernels(100)
    (finding,) = judge(subject(convolution(weights, [0.5, 2e-4]), [_flat(level=80)]))
    assert (finding.rule.code, finding.rule.name) == ("R1", "coarse-multiplier")
    assert "1 channel (1)" in finding.hit.says
    assert finding.hit.steps is not None
    assert finding.hit.steps > 1
    assert "smallest multiplier becomes" in finding.hit.remedies[0].tells


@pytest.mark.parametrize(
    ("weights", "scales"),
    [
        (_two_kernels(100), [2e-4, 2e-4]),  # scales that are alike
        (_two_kernels(1), [0.5, 2e-4]),  # a channel that moves the output by less than a step
    ],
)
def test_alike_scales_and_dead_channels_are_sound(weights: Array, scales: list[float]) -> None:
    assert found(convolution(weights, scales), [_flat(level=80)]) == []


def test_clipping_the_scales_is_predicted_by_running_it() -> None:
    """Where the weights are even in the coarser scale, the cure is complete."""
    weights, fine, coarse = _two_kernels(98), 0.05 / 3584, 0.05 / 256
    inputs = [_flat(level=101)]
    made = judge(subject(convolution(weights, [0.05, fine], output_scale=0.1), inputs))
    assert names(made) == ["coarse-multiplier"]
    (remedy,) = made[0].hit.remedies
    weights[1] = 98 * 256 // 3584
    cured = subject(convolution(weights, [0.05, coarse], output_scale=0.1), inputs)
    assert judge(cured) == ()
    (observed,) = cured.products
    assert remedy.steps == pytest.approx(observed.steps(observed.layer), abs=1e-3)


def test_equalizing_is_offered_where_the_output_has_room() -> None:
    """A channel of 13 steps has room for eight times as much; one of 103 has none."""
    weights = _two_kernels(100)
    for scale, told in ((2.5e-5, True), (2e-4, False)):
        content = convolution(weights, [0.5, scale])
        (finding,) = judge(subject(content, [_flat(level=80)]))
        offers = [one for one in finding.hit.remedies if one.change.startswith("equalize")]
        assert bool(offers) == told
        for one in offers:
            assert "8 times as large" in one.change
            assert one.steps is not None
            assert finding.hit.steps is not None
            assert one.steps < finding.hit.steps
        sizes = [one.steps or 0 for one in finding.hit.remedies]
        assert sizes == sorted(sizes)


MANY = 1280  # channels: more than one pass sums


def test_sums_in_passes_are_noisy_where_the_unit_is_coarse() -> None:
    weights = np.full((16, MANY), 12, np.int8)
    weights[:, 1::2] = -3
    inputs = [_ramp(MANY)]
    coarse = convolution(weights, [1.0] * 16, zero=0, output_scale=4.0)
    findings = judge(subject(coarse, inputs))
    assert names(findings) == ["partial-sums"]
    assert findings[0].hit.sure == "inferred"
    fine = convolution(weights, [1.0] * 16, zero=0, output_scale=900.0)
    assert found(fine, inputs) == []
    narrow = convolution(weights[:, :128], [1.0] * 16, zero=0, output_scale=4.0)
    assert found(narrow, [_ramp(128)]) == []


ZERO_MEAN = np.tile([[90, -90]], (1, CHANNELS // 2)).astype(np.int8)


def test_a_kernel_of_mean_zero_saturates_on_what_fits_it() -> None:
    content = convolution(ZERO_MEAN, [1.0], output_scale=4000.0)
    loud = np.where(ZERO_MEAN > 0, 90, -90).astype(np.int8).reshape(1, 1, 1, CHANNELS)
    (finding,) = judge(subject(content, [loud]))
    assert (finding.rule.name, finding.rule.severity) == ("saturation", "error")
    assert finding.hit.steps is not None
    assert finding.hit.steps > 100
    dummy = finding.hit.remedies[0]
    assert "cs becomes 4; 0 sums are cut off" in dummy.tells
    assert dummy.steps is not None
    assert dummy.steps <= 1


def test_what_does_not_fit_the_kernel_only_warns() -> None:
    content = convolution(ZERO_MEAN, [1.0], output_scale=4000.0)
    noise = np.random.default_rng(1).integers(-4, 5, (1, 1, 1, CHANNELS), dtype=np.int8)
    assert found(content, [noise]) == []  # real, and sums to little: a bit of room and more
    assert found_without_inputs(content, [_flat()]) == ["saturation-risk"]


@given(st.integers(1, 120), st.integers(1, 127))
@settings(max_examples=40, deadline=None)
def test_saturation_is_found_just_where_a_sum_leaves_16_bits(weight: int, level: int) -> None:
    """The limit, by arithmetic: 64 * weight * level against 32767, in steps of the output."""
    weights = np.tile([[weight, -weight]], (1, CHANNELS // 2)).astype(np.int8)
    loud = np.where(weights > 0, level, -level).astype(np.int8).reshape(1, 1, 1, CHANNELS)
    total = CHANNELS * weight * level
    content = convolution(weights, [1.0], output_scale=64.0 * 127)
    steps = (total - 32767) / (64.0 * 127)
    rules = found(content, [loud])
    if total <= 32767:
        assert "saturation" not in rules
    elif steps > 2 and total / (64.0 * 127) < 126:
        assert "saturation" in rules


def test_the_filterbank_is_named_and_its_cures_are_predicted() -> None:
    """Published: 0.756 whole, 0.99956 in four groups."""
    bank = Filterbank(filters("cos"))
    (finding,) = judge(subject(bank.tflite, [bank.source], "2.2"))
    assert finding.rule.name == "saturation"
    dummy, groups = finding.hit.remedies
    assert dummy.steps is not None
    assert dummy.steps < 1
    assert "divide it into 4 groups" in groups.change


@pytest.mark.parametrize(("zero", "names_"), [(0, []), (-20, ["abs-zero-point"])])
def test_abs_of_a_zero_point(zero: int, names_: list[str]) -> None:
    content = single("ABS", [q((1, 8), 0.1, zero)], q((1, 8), 0.1, -128), {"AbsOptions": {}})
    values = np.array([[-100, -50, -20, 0, 5, 30, 70, 100]], np.int8)
    findings = judge(subject(content, [values]))
    assert names(findings) == names_
    for finding in findings:
        assert finding.hit.steps == 20
        assert finding.hit.remedies[0].steps is not None
        assert finding.hit.remedies[0].steps <= 1


@pytest.mark.parametrize(("elements", "names_"), [(1 << 19, []), ((1 << 19) + 1, ["float-epochs"])])
def test_large_tensors_of_float(elements: int, names_: list[str]) -> None:
    """Two MiB of float32 are the limit."""
    content = single(
        "DEQUANTIZE",
        [q((1, elements), 0.1, 0)],
        _floats(elements),
        {"DequantizeOptions": {}},
        version=2,
    )
    assert found(content, [np.zeros((1, elements), np.int8)]) == names_


def _floats(elements: int) -> object:
    from model_gen.codegen.testing.models import builder

    return builder().Tensor((1, elements), dtype="float32")


def test_another_dialect_is_told_only_where_bytes_differ() -> None:
    random = np.random.default_rng(3)
    weights = random.integers(-127, 128, (8, CHANNELS)).astype(np.int8)
    content = convolution(weights, random.uniform(0.001, 0.01, 8).tolist(), output_scale=3.0)
    inputs = [random.integers(-128, 128, (1, 1, 1, CHANNELS)).astype(np.int8) for _ in range(200)]
    for pinned, told in (("2.2", True), ("3.0", False), ("4.0", False)):
        made = judge(subject(content, inputs, pins={"a golden": pinned}))
        assert ("version-drift" in names(made)) == told
        for finding in made:
            assert finding.hit.where == "a golden"
            assert finding.hit.steps == 1


def test_sums_of_two_tensors_have_the_ratio_of_their_scales() -> None:
    content = single(
        "ADD", [q((1, 4), 0.052, 3), q((1, 4), 0.099, -7)], q((1, 4), 0.049, 5), {"AddOptions": {}}
    )
    values = np.array([[-128, 0, 5, 127]], np.int8)
    made = subject(content, [])
    assert names(judge(made)) == []
    assert values.size == 4


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_what_has_no_finding_is_right_within_two_steps(data: st.DataObject) -> None:
    """The rules leave nothing out that one convolution of one pass does wrong on its inputs."""
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    channels, kernels = data.draw(st.sampled_from([3, 24, 100])), data.draw(st.integers(1, 6))
    spread = data.draw(st.sampled_from([1, 20, 3000, 200000]))
    offset = data.draw(st.sampled_from([0, 60]))
    weights = np.clip(random.normal(offset, 50, (kernels, channels)), -127, 127).round()
    scales = (0.01 / spread ** random.random(kernels)).astype(np.float32)
    zero = data.draw(st.sampled_from([-128, 0]))
    inputs = [random.integers(-128, 128, (1, 1, 1, channels)).astype(np.int8) for _ in range(3)]
    features = np.concatenate([value.reshape(1, -1) for value in inputs]).astype(float) - zero
    sums = features @ weights.T
    bias = (sums.mean(axis=0) * data.draw(st.sampled_from([0, -1]))).astype(int)
    real = np.abs((sums + bias) * scales)
    output_scale = max(float(real.max()) / 127, 1e-6)
    content = convolution(
        weights.astype(np.int8),
        scales.tolist(),
        zero=zero,
        output_scale=output_scale,
        bias=bias.tolist(),
    )
    made = subject(content, inputs)
    (observed,) = made.products
    unit = float((np.abs(scales) * 2.0**observed.layer.shift / np.float32(output_scale)).max())
    if not judge(made):
        assert observed.steps(observed.layer) <= 1.1 + unit / 2


@pytest.mark.parametrize("value", [0, 127, -128])
def test_inputs_of_one_value_do_not_show_that_kernels_of_mean_zero_fit(value: int) -> None:
    weights = np.tile([[90, -90]], (1, 32)).astype(np.int8)
    content = convolution(weights, [1.0], output_scale=4000.0)
    assert found(content, [np.full((1, 1, 1, 64), value, np.int8)]) == ["saturation-risk"]


def test_a_drift_that_only_inner_tensors_show_is_told() -> None:
    """A budget is of every layer, and one of few outputs hides what the layers before differ by."""
    content = make_net(3).tflite()
    vectors = np.random.default_rng(5).integers(-128, 128, (64, 1, 10, 8, 3), dtype=np.int8)
    pins = {"the bundle's npu_budget": "4.0"}
    models = [compile_model(content, dialect) for dialect in ("2.2", "4.0")]
    for value in vectors:
        one, two = (predict(model, model.dialect.name, (value,)) for model in models)
        same = all(map(np.array_equal, one.outputs, two.outputs))
        if same and any(not np.array_equal(one.tensors[i], two.tensors[i]) for i in one.tensors):
            break
    else:
        pytest.fail("no vector of equal outputs and other inner tensors")
    assert names(judge(subject(content, [value], "2.2", pins=pins))) == ["version-drift"]

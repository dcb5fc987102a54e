"""Constants against numbers that ST's compiler has written, and against exact arithmetic."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.npu.compiler.constant import FORMULA, UNKNOWN, largest_shift, offsets, rounded
from host.npu.compiler.convolution_layer import accumulator_shift
from host.npu.compiler.dialect import DIALECTS
from host.npu.compiler.model import compile_model, predict
from host.npu.compiler.requantization import Fused, Scales, TwoSteps, requantization
from model_gen.codegen.testing.models import single
from model_gen.codegen.testing.single_ops import constant, q


def _values(model: bytes, dialect: str = "2.2") -> dict[str, Any]:
    return {c.kind: c.value for c in compile_model(model, dialect).layers[0].constants}


# Sums of weights and the shifts that stood in compiled networks, exact powers of two among them.
@pytest.mark.parametrize(
    ("total", "shift"),
    [
        (405, 2),
        (846, 3),
        (645, 3),
        (356, 2),
        (513, 3),
        (514, 3),
        (512, 3),
        (176, 1),
        (127, 0),
        (129, 1),
    ],
)
def test_the_accumulators_shift_goes_by_the_sum_of_the_weights(total: int, shift: int) -> None:
    weights = np.zeros((2, 3, 3, 1), np.int64)
    weights[0, 0, 0], weights[0, 1, 1] = 2000 + total, -2000
    weights[1, 0] = 100
    weights[1, 1] = -100
    assert accumulator_shift(weights).value == shift
    assert accumulator_shift(-weights).value == shift
    assert accumulator_shift(weights).grade == FORMULA


def test_kernels_of_sum_zero_are_not_shifted() -> None:
    assert accumulator_shift(np.zeros((1, 1, 1, 4), np.int64)).value == 0


def _scales(products: list[float], bias: list[int], scale: float, zero: int) -> Scales:
    real = np.array(products, np.float32).astype(float)
    return Scales(real, np.array(bias) * real, scale, zero)


def test_a_large_bias_takes_bits_from_the_middle() -> None:
    """Layers of a public 2.2 network whose biases reach 16.4, 8.5 and 17.2 in real numbers."""
    for real, scale, expected in (
        (16.43308053772126, 0.011829903349280357, (21640, 18)),
        (8.538398663241958, 0.012394774705171585, (20654, 19)),
        (17.155200600422358, 0.014945338480174541, (17129, 18)),
        (1.5, 0.011829903349280357, (21640, 20)),
    ):
        product = 2.0**-10
        steps, constants = requantization(
            _scales([product], [round(real / product)], scale, -128), 2, DIALECTS["2.2"]
        )
        found = {c.kind: c.value for c in constants}
        assert (found["A"], found["s2"]) == expected
        assert steps.shift == expected[1]


def test_the_bias_has_the_scale_that_the_model_gives_it() -> None:
    """A dead channel of a public 2.2 network: its bias is -2^30 and its scale no exact product."""
    unit = 1.7688301934271067e-09
    for scale, held in ((unit, -54714393), (float(np.float32(unit * (1 - 2.0**-23))), -54714390)):
        real = np.array([-(2.0**30) * scale, (2227.445387787788 + 128) * 0.0235294122248888])
        scales = Scales(np.array([1e-4, 1e-4]), real, 0.0235294122248888, -128)
        assert offsets(scales.real_offsets(), 18)[0] == held


def test_an_offset_beyond_32_bits_is_shifted_up() -> None:
    """The last layer of a public 4.0 network: 32 bits hold -73 output steps up to 2^-24."""
    product = float(np.float32(0.05176849290728569) * np.float32(0.002152932109311223))
    steps, constants = requantization(
        _scales([product], [301], 0.3241424560546875, -73), 1, DIALECTS["4.0"]
    )
    found = {c.kind: np.ravel(c.value)[0] for c in constants}
    assert found == {"A_k": 23075, "s": 25, "C_k": ((-18662 << 16) | 32450) << 1}
    assert steps.shift == 25


def test_vectors_above_512_are_streamed_in_both_dialects() -> None:
    for kernels, kinds in ((512, {"2.2": "s2", "4.0": "s"}), (513, {"2.2": "s2", "4.0": "s2"})):
        for name, kind in kinds.items():
            scales = _scales([0.001] * kernels, [7] * kernels, 0.02, -128)
            _, constants = requantization(scales, 3, DIALECTS[name])
            assert kind in {c.kind for c in constants}
            assert ("Y_k" in {c.kind for c in constants}) == (kernels > 512)


def test_the_steps_are_fused_from_3_0_on() -> None:
    scales = _scales([1e-3], [5], 0.02, 0)
    kinds = {name: type(requantization(scales, 3, DIALECTS[name])[0]) for name in DIALECTS}
    assert kinds == {"2.1": TwoSteps, "2.2": TwoSteps, "3.0": Fused, "4.0": Fused}


def test_dead_channels_are_unknown_in_2_1_alone() -> None:
    scales = _scales([1e-3, 1e-8], [0, 0], 0.02, 0)
    for name, grade in (("2.1", UNKNOWN), ("2.2", FORMULA)):
        _, constants = requantization(scales, 3, DIALECTS[name])
        assert {c.kind: c.grade for c in constants}["A_k"] == grade


_REAL = st.floats(1e-5, 1e-2)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(_REAL, min_size=1, max_size=5),
    st.floats(0.002, 0.5),
    st.integers(0, 6),
    st.integers(-128, 127),
    st.sampled_from(sorted(DIALECTS)),
    st.integers(-2000, 2000),
)
def test_requantization_is_the_real_one_up_to_its_multipliers(
    products: list[float], scale: float, cs: int, zero: int, dialect: str, bias: int
) -> None:
    scales = _scales(products, [bias] * len(products), scale, zero)
    steps, _ = requantization(scales, cs, DIALECTS[dialect])
    x = np.repeat(np.arange(-300, 301, 60)[:, None], len(products), axis=1)
    got = steps.apply(x, "half-away")
    for k, product in enumerate(scales.products):
        for value, out in zip(x[:, k], got[:, k], strict=True):
            middle = int(value) * int(steps.multipliers[k])
            if isinstance(steps, TwoSteps) and abs(middle) >= 32767 << steps.first_shift:
                continue  # the middle saturates, and a bias of the other sign would show it
            real = (int(value) * 2**cs + bias) * Fraction(product) / Fraction(scale) + zero
            # A multiplier is off by half at most; the middle and the end round by half each.
            error = Fraction(3, 2) + abs(int(value)) * Fraction(2**cs) * Fraction(product) / (
                Fraction(scale) * min(2 * int(steps.multipliers[k]) or 1, 32767)
            )
            assert -128 <= out <= 127
            assert abs(min(max(real, -128), 127) - int(out)) <= error


def test_the_middle_of_two_steps_saturates_too() -> None:
    scales = _scales([2.0**-7], [193], 2.0**-8, 0)
    two, one = (requantization(scales, 0, DIALECTS[name])[0] for name in ("2.2", "4.0"))
    x = np.array([[-300]])
    assert (two.apply(x, "half-away").item(), one.apply(x, "half-away").item()) == (-126, -128)


# In units of 2^-20 output steps: an offset, the largest of its layer, and what the network holds.
@pytest.mark.parametrize(
    ("exact", "largest", "held"),
    [
        (-135970337.09087157, 398.14109655036776, -135970337),
        (-203690330.21034613, 698.414744885155, -203690330),
        (54131019.96472832, 64.61810458640515, 54131019),
        (-13785.06202484807, 41.77960414375342, -13786),
    ],
)
def test_offsets_have_the_bits_that_the_largest_of_the_layer_leaves(
    exact: float, largest: float, held: int
) -> None:
    assert offsets(np.array([exact * 2.0**-20, largest]), 20)[0] == held
    assert offsets(np.array([exact * 2.0**-20, -largest]), 20)[0] == held


def test_multipliers_are_rounded_halves_up() -> None:
    assert rounded([9530.5, 14356.5, 7658.5, -0.5, 2.4]).tolist() == [9531, 14357, 7659, 0, 2]
    assert offsets(np.array([0.0]), 20).tolist() == [0]


def test_the_largest_shift_fits_and_the_next_does_not() -> None:
    for scale in (1.0, 0.4999, 3.7e-5, 0.99998, 1.5465347063314292):
        shift = largest_shift(scale)
        assert round(scale * 2**shift) <= 32767 < scale * 2 ** (shift + 1) + 0.5


# (inputs' and output's scale and zero point) and what public networks hold for them.
_ADDS = [
    (
        [(0.31815606355667114, -14), (0.3289811611175537, -8), (0.3289811611175537, -8)],
        (31690, 16384, 1, 0, 27729, 3, 14),
    ),
    (
        [(0.10422870516777039, 16), (0.08776039630174637, -128), (0.12487414479255676, -15)],
        (27350, 23029, 0, 0, 31540, 6, 15),
    ),
    (
        [(0.37287113070487976, 15), (0.21028128266334534, 41), (0.2923007905483246, 44)],
        (20900, 23573, 0, 1, -18965, 2, 14),
    ),
]


def _add(ports: list[tuple[float, int]]) -> bytes:
    shape = (1, 16, 16, 1)
    tensors = [q(shape, *port) for port in ports]
    return single("ADD", tensors[:2], tensors[2], {"AddOptions": {"fusedActivationFunction": 0}})


@pytest.mark.parametrize(("ports", "expected"), _ADDS)
def test_sums_have_the_constants_of_compiled_networks(
    ports: list[tuple[float, int]], expected: tuple[int, ...]
) -> None:
    assert tuple(_values(_add(ports)).values()) == expected


@pytest.mark.parametrize("ports", [ports for ports, _ in _ADDS])
def test_a_sum_is_the_real_one_within_a_step(ports: list[tuple[float, int]]) -> None:
    codes = np.arange(-128, 128).reshape(1, 16, 16, 1).astype(np.int8)
    other = codes[:, ::-1].copy()
    got = predict(_add(ports), "2.2", [codes, other]).outputs[0].astype(int)
    (a, za), (b, zb), (c, zc) = ports
    real = ((codes.astype(int) - za) * a + (other.astype(int) - zb) * b) / c + zc
    assert np.abs(np.clip(real, -128, 127) - got).max() < 0.51


def _mean(shape: tuple[int, ...], before: tuple[float, int], after: tuple[float, int]) -> bytes:
    return single(
        "MEAN",
        [q(shape, *before), constant([1, 2])],
        q((1, shape[3]), *after),
        {"ReducerOptions": {"keepDims": False}},
    )


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (
            _mean((1, 3, 2, 8), (0.01861000992357731, -128), (0.015448267571628094, -128)),
            (21845, 9, 19737, (6 << 16) | 36000, 14),
        ),
        (
            _mean((1, 3, 7, 8), (0.08006177097558975, -2), (0.05176849290728569, -3)),
            (24966, 11, 25338, 1524, 14),
        ),
        (_mean((1, 4, 4, 16), (0.0235294122248888, -128), (0.0235294122248888, -128)), (16384, 18)),
    ],
)
def test_means_have_the_constants_of_compiled_networks(
    model: bytes, expected: tuple[int, ...]
) -> None:
    assert tuple(_values(model).values()) == expected


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 1000), st.booleans())
def test_a_mean_is_the_real_one_within_a_step(
    rows: int, columns: int, seed: int, same: bool
) -> None:
    before, after = (0.03, -5), (0.03, -5) if same else (0.021, 9)
    values = np.random.default_rng(seed).integers(-128, 128, (1, rows, columns, 4)).astype(np.int8)
    model = _mean(values.shape, before, after)
    got = predict(model, "4.0", [values]).outputs[0].ravel().astype(int)
    exact = values.astype(float).mean(axis=(0, 1, 2))
    real = (exact - before[1]) * before[0] / after[0] + after[1]
    assert np.abs(np.clip(real, -128, 127) - got).max() < 0.52


def test_operands_too_far_apart_are_in_doubt() -> None:
    layer = compile_model(_add([(1e-12, 0), (0.5, 0), (0.0005, 0)]), "2.2").layers[0]
    assert any("was never seen" in doubt for doubt in layer.doubts)


def test_only_whole_means_and_plain_sums_are_known() -> None:
    for model in (
        single(
            "MEAN",
            [q((1, 4, 4, 2)), constant([1])],
            q((1, 4, 2)),
            {"ReducerOptions": {"keepDims": False}},
        ),
        single("ADD", [q((1, 4, 4, 2)), q((1, 1, 1, 2))], q((1, 4, 4, 2)), {"AddOptions": {}}),
    ):
        assert compile_model(model, "2.2").layers[0].how == "not modelled"

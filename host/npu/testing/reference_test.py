import numpy as np

from host.npu.testing.layers import Conv, Epoch, Fused, Network, Sums, Tensor, TwoSteps
from host.npu.testing.reference import RULES, clamp, expected, in_memory, low, nearest


def test_what_is_half_way_goes_away_from_zero() -> None:
    assert [nearest(value, 2) for value in (-7, -6, -5, -2, -1, 0, 1, 2, 5, 6, 7)] == [
        *(-2, -2, -1, -1, 0, 0, 0, 1, 1, 2, 2)
    ]
    assert nearest(-3, 0) == -3


def test_the_other_rules_differ_in_ties_alone() -> None:
    tens = {rule: [nearest(value, 2, rule) for value in (-10, -6, 6, 10)] for rule in RULES}
    assert tens == {
        "half-away": [-3, -2, 2, 3],
        "half-up": [-2, -1, 2, 3],
        "half-even": [-2, -2, 2, 2],
        "half-down": [-3, -2, 1, 2],
        "half-to-zero": [-2, -1, 1, 2],
    }
    for rule in RULES:
        assert [nearest(value, 2, rule) for value in (-7, -5, 5, 7)] == [-2, -1, 1, 2]


def test_saturation_and_low_bytes() -> None:
    assert [clamp(value, 1) for value in (-129, -128, 127, 128)] == [-128, -128, 127, 127]
    assert [low(value, 1) for value in (-129, -128, 127, 128, 300)] == [127, -128, 127, -128, 44]


def one_layer(layer: Conv) -> Network:
    return Network("one", (layer.source,), (layer.target,), (Epoch((layer,)),))


def test_a_convolution_by_hand() -> None:
    source, target = Tensor("x", 1, 2, 2, "u8"), Tensor("y", 1, 1, 1, "i16")
    kernel = np.array([[[[1, -2], [3, 4]]]])
    layer = Conv("c", source, target, kernel, Sums(), shift=1)
    inputs = {"x": np.array([[[10, 20], [30, 41]]])}
    # 10 - 40 + 90 + 164 = 224
    assert expected(one_layer(layer), inputs)["y"].ravel().tolist() == [112]


def test_partial_sums_lose_what_16_bits_do_not_hold() -> None:
    source, target = Tensor("x", 1, 1, 2, "u8"), Tensor("y", 1, 1, 1)
    kernel = np.array([[[[3, 3]]]])
    same = Fused(np.array([1]), np.array([0]), 0)
    layer = Conv("c", source, target, kernel, same, shift=2, batch=1)
    inputs = {"x": np.array([[[3, 3]]])}
    # 9 / 4 is 2; 2 * 4 + 9 is 17, a fourth of it 4; in one go 18 / 4 would be 5.
    values = expected(one_layer(layer), inputs)
    assert values["y"].ravel().tolist() == [4]
    assert values["c_out_0"].ravel().tolist() == [4]


def test_two_steps_and_the_change_to_unsigned() -> None:
    source, target = Tensor("x", 1, 1, 1, "u8"), Tensor("y", 1, 1, 2, "u8")
    how = TwoSteps(np.array([3, -3]), 1, 2, np.array([1, 1]), 2)
    layer = Conv("c", source, target, np.ones((2, 1, 1, 1), np.int64), how)
    # 15 / 2 is 8, 17 / 4 is 4; -8, -15 / 4 is -4; then 128 more.
    inputs = {"x": np.array([[[5]]])}
    assert expected(one_layer(layer), inputs)["y"].ravel().tolist() == [132, 124]


def test_blocks_of_channels_lie_one_behind_the_other() -> None:
    tensor = Tensor("x", 1, 2, 4, "i16", block=2)
    values = np.arange(8).reshape(1, 2, 4)
    assert np.frombuffer(in_memory(tensor, values), "<i2").tolist() == [0, 1, 4, 5, 2, 3, 6, 7]

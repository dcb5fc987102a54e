"""Each pattern is recognised where it was made, and nothing is recognised in noise."""

import numpy as np
import numpy.typing as npt
import pytest

from host.compare.cause import UNKNOWN, likely_cause
from host.compare.tensors import compare

Tensor = npt.NDArray[np.int8]


@pytest.fixture
def want() -> Tensor:
    return np.random.default_rng(5).integers(-90, 90, (1, 12, 10, 16), dtype=np.int8)


def cause(got: npt.NDArray[np.generic], want: npt.NDArray[np.generic], op: str = "CONV_2D") -> str:
    difference = compare(got, want)
    assert difference is not None
    return likely_cause(difference, op)


def test_not_executed(want: Tensor) -> None:
    assert "not executed" in cause(np.zeros_like(want), want)


def test_another_normalization() -> None:
    want = np.random.default_rng(4).random((12, 10), dtype=np.float32)
    assert "is 3.5 times the reference's, plus 0.25" in cause(want * 3.5 + np.float32(0.25), want)
    bent = want * 3.5 + np.float32(0.01) * want**2
    assert cause(bent.astype(np.float32), want) == UNKNOWN


def test_top_bit(want: Tensor) -> None:
    assert "signed and unsigned" in cause((want.view(np.uint8) ^ 0x80).view(np.int8), want)
    unsigned = want.view(np.uint8)
    assert "signed and unsigned" in cause(unsigned ^ 0x80, unsigned)


def test_constant_offset(want: Tensor) -> None:
    assert "off by +3" in cause(want + np.int8(3), want)


def test_transposed(want: Tensor) -> None:
    got = np.ascontiguousarray(want.transpose(0, 2, 1, 3)).reshape(want.shape)
    assert "transposed" in cause(got, want)


@pytest.mark.parametrize(("axis", "name"), [(1, "rows"), (2, "columns"), (3, "channels")])
def test_shifted(want: Tensor, axis: int, name: str) -> None:
    got = np.roll(want, 1, axis)
    assert f"moved by +1 along {name}" in cause(got, want)


def test_shifted_in_memory(want: Tensor) -> None:
    flat = want.reshape(-1)
    got = np.concatenate([np.arange(5, dtype=np.int8), flat[:-5]]).reshape(want.shape)
    assert "moved by 5 elements in memory" in cause(got, want)


def test_one_channel(want: Tensor) -> None:
    got = want.copy()
    got[..., 7] += np.random.default_rng(1).integers(-2, 3, got.shape[:3], dtype=np.int8)
    assert "only output channel 7 differs" in cause(got, want)


def test_one_output_of_a_dense_layer() -> None:
    want = np.arange(-5, 7, dtype=np.int8).reshape(1, 12)
    got = want.copy()
    got[0, 4] += 9
    assert "only output 4 differs" in cause(got, want, "FULLY_CONNECTED")


def test_one_channel_of_an_op_without_weights(want: Tensor) -> None:
    got = want.copy()
    got[0, 1:9, :, 2] += 1
    assert cause(got, want, "ADD") == "only channel 2 differs"


def test_border(want: Tensor) -> None:
    got = want.copy()
    got[:, 0] += np.random.default_rng(1).integers(1, 9, got[:, 0].shape, dtype=np.int8)
    got[:, :, -1] -= np.int8(4)
    assert "border differs (top, right)" in cause(got, want)


def test_one_element(want: Tensor) -> None:
    got = want.copy()
    got[0, 5, 5, 5] ^= 0x10
    assert "a single element differs, by 1 bit" in cause(got, want)


def test_saturated(want: Tensor) -> None:
    got = want.copy()
    got[np.abs(got) > 60] = 127
    assert "saturated" in cause(got, want)


def test_missing_activation(want: Tensor) -> None:
    relu = np.maximum(want, np.int8(-10))
    assert "clamps to -10" in cause(want, relu)


def test_unfinished_copy(want: Tensor) -> None:
    got = want.reshape(-1).copy()
    got[1000:] = np.random.default_rng(9).integers(-128, 128, got.size - 1000, dtype=np.int8)
    assert "right up to byte 100" in cause(got.reshape(want.shape), want)


def test_overwritten_in_the_middle(want: Tensor) -> None:
    got = want.reshape(-1).copy()
    got[300:420] = np.random.default_rng(9).integers(91, 127, 120, dtype=np.int8)
    assert "only bytes 300 to 419 of 1920" in cause(got.reshape(want.shape), want)


def test_rounding(want: Tensor) -> None:
    noise = np.random.default_rng(3).random(want.shape) < 0.2
    assert "rounding rule" in cause(want + noise.astype(np.int8), want)


def test_last_places_of_floats() -> None:
    want = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    got = np.nextafter(want, np.float32(2), dtype=np.float32)
    assert "units in the last place" in cause(got, want, "FRONTEND")


def test_denormals() -> None:
    want = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    want[2, 3:5] = 1e-40
    got = want.copy()
    got[2, 3:5] = 0
    assert "denormal" in cause(got, want, "FRONTEND")


@pytest.mark.parametrize("seed", range(20))
def test_noise_has_no_cause(want: Tensor, seed: int) -> None:
    """An honest tester says when it does not know."""
    generator = np.random.default_rng(seed)
    got = want.copy()
    some = generator.random(want.shape) < 0.05
    got[some] += generator.integers(2, 30, int(some.sum()), dtype=np.int8)
    assert cause(got, want) == UNKNOWN

"""Two tensors, element by element: exact or not, with no tolerance to set."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class TensorDifference:
    """Where and by how much a tensor differs from the reference's.

    `index` is the first differing element in row-major order (NHWC for an image). `max_steps` is the largest distance
    in steps of the integer type; for floats in units in the last place. `got` and `want` are the whole tensors.
    """

    index: tuple[int, ...]
    differing: int
    max_steps: int
    got: Array
    want: Array

    @property
    def positions(self) -> npt.NDArray[np.bool_]:
        """True where an element differs, in the tensor's shape."""
        return differing_positions(self.got, self.want)

    @property
    def got_first(self) -> int | float | str:
        return plain(self.got[self.index])

    @property
    def want_first(self) -> int | float | str:
        return plain(self.want[self.index])


def differing_positions(got: Array, want: Array) -> npt.NDArray[np.bool_]:
    """True where the bits differ: 0.0 and -0.0 differ, equal NaNs do not."""
    different: npt.NDArray[np.bool_] = np.asarray(_bits(got) != _bits(want))
    return different


def compare(got: Array, want: Array) -> TensorDifference | None:
    """Compare bit by bit; None when every bit is equal.

    Raises:
        ValueError: shapes or types differ, which is an error of the caller.
    """
    if got.shape != want.shape or got.dtype != want.dtype:
        raise ValueError(
            f"Received: got {got.dtype}{got.shape}, want {want.dtype}{want.shape}, which cannot be compared"
        )
    where = differing_positions(got, want)
    count = int(where.sum())
    if not count:
        return None
    first = tuple(int(i) for i in np.unravel_index(int(np.argmax(where)), got.shape))
    return TensorDifference(first, count, int(np.max(distance(got, want))), got, want)


def distance(got: Array, want: Array) -> npt.NDArray[np.int64]:
    """How far apart two tensors are, in steps (integers) or units in the last place (floats)."""
    steps: npt.NDArray[np.int64] = np.abs(_ordered(got) - _ordered(want))
    return steps


def from_bytes(data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """A tensor from the little-endian bytes that a board sent.

    Raises:
        ValueError: the number of bytes is not that of the tensor.
    """
    expected = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if len(data) != expected:
        raise ValueError(f"Received: {len(data)} bytes for {dtype}{shape}, which has {expected}")
    return np.frombuffer(data, dtype=dtype.newbyteorder("<")).astype(dtype).reshape(shape)


def plain(value: Any) -> int | float | str:
    """A NumPy scalar as something that JSON can hold."""
    number = value.item()
    if isinstance(number, float) and not np.isfinite(number):
        return str(number)
    if isinstance(number, bool):
        return int(number)
    assert isinstance(number, int | float)
    return number


def _bits(array: Array) -> Array:
    if array.dtype.kind != "f":
        return array
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")


def _ordered(array: Array) -> npt.NDArray[np.int64]:
    """Integers whose order and neighbourhood are those of the values: -0.0 and 0.0 both become 0."""
    if array.dtype.kind != "f":
        return array.astype(np.int64)
    width = array.dtype.itemsize * 8
    bits = np.ascontiguousarray(array).view(f"i{array.dtype.itemsize}").astype(np.int64)
    magnitude = bits & ((1 << (width - 1)) - 1)
    return np.where(bits < 0, -magnitude, magnitude)

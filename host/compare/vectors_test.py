"""Vectors are those that the documentation names."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.bundle import Subject
from host.compare.vectors import make_vectors, random_inputs
from host.errors import BadInput


@dataclass(frozen=True)
class Input:
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


IMAGE = Input("image", (1, 4, 3, 2), np.dtype(np.int8))


def test_one_int8_input() -> None:
    want = np.random.default_rng(7).integers(-128, 128, (5, 1, 4, 3, 2), dtype=np.int8)
    drawn = random_inputs([IMAGE], 5, 7)
    assert [tensors[0].tobytes() for tensors in drawn] == [tensor.tobytes() for tensor in want]


def test_inputs_are_drawn_in_model_order() -> None:
    generator = np.random.default_rng(3)
    first = generator.integers(-128, 128, (2, 1, 4, 3, 2), dtype=np.int8)
    second = generator.standard_normal((2, 1, 6), dtype=np.float32)
    drawn = random_inputs([IMAGE, Input("more", (1, 6), np.dtype(np.float32))], 2, 3)
    for i in range(2):
        assert np.array_equal(drawn[i][0], first[i])
        assert np.array_equal(drawn[i][1], second[i])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16])
def test_integers_come_from_their_whole_range(dtype: Any) -> None:
    (tensor,) = random_inputs([Input("steps", (1, 1 << 20), np.dtype(dtype))], 1, 0)[0]
    assert (tensor.min(), tensor.max()) == (np.iinfo(dtype).min, np.iinfo(dtype).max)
    assert tensor.dtype == dtype


def test_other_types_are_refused() -> None:
    with pytest.raises(BadInput, match="integers of 8 or 16 bits"):
        random_inputs([Input("ids", (1, 4), np.dtype(np.int32))], 1, 0)


def test_no_vector_is_no_verdict() -> None:
    with pytest.raises(BadInput, match="at least one vector"):
        make_vectors(Subject(Path("m.tflite"), b""), [IMAGE], 0, 0)


def test_more_vectors_than_fit_in_memory_are_refused_at_once() -> None:
    with pytest.raises(BadInput, match="1024 MiB") as caught:
        random_inputs([IMAGE], 10**9, 0)
    assert "22,888 MiB" in caught.value.evidence

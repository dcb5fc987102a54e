"""A file that says where its tensors shall lie is judged by tflite-micro as the same file without it."""

import importlib.util
from typing import Any

import numpy as np
import pytest

from host.reference.micro import MicroModel
from host.reference.offline import PLAN, without_plan
from model_gen.codegen.testing.models import edited, single
from model_gen.codegen.testing.single_ops import q

POOL = {"Pool2DOptions": {"filterHeight": 2, "filterWidth": 2, "strideH": 1, "strideW": 1}}


def planned(model: bytes, name: bytes = PLAN) -> bytes:
    """The model with a plan: version, subgraph, count, and an offset in the arena for each tensor."""

    def plan(content: Any, schema: Any) -> None:
        tensors = len(content.subgraphs[0].tensors)
        numbers = np.array([1, 0, tensors, *(64 * i for i in range(tensors))], np.int32)
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = np.frombuffer(numbers.tobytes(), np.uint8)
        entry.name, entry.buffer = name.decode(), len(content.buffers)
        content.buffers.append(buffer)
        content.metadata = [*(content.metadata or []), entry]

    return edited(model, plan)


@pytest.mark.skipif(importlib.util.find_spec("tflite_micro") is None, reason="needs tflite-micro")
def test_a_memory_plan_is_not_followed() -> None:
    plain = single("MAX_POOL_2D", [q((1, 4, 4, 2))], q((1, 3, 3, 2)), POOL)
    one, other = MicroModel(planned(plain)), MicroModel(plain)
    given = [np.random.default_rng(3).integers(-128, 128, (1, 4, 4, 2)).astype(np.int8)]
    assert one.description == f"{other.description}, without the file's memory plan"
    np.testing.assert_array_equal(one.run(given)[1], other.run(given)[1])


def test_nothing_but_the_plan_is_changed() -> None:
    plain = single("MAX_POOL_2D", [q((1, 4, 4, 2))], q((1, 3, 3, 2)), POOL)
    assert without_plan(plain) == (plain, False)
    assert without_plan(planned(plain, b"min_runtime_version")) == (
        planned(plain, b"min_runtime_version"),
        False,
    )
    model = planned(plain)
    changed, had = without_plan(model)
    assert had
    assert [a for a, b in zip(model, changed, strict=True) if a != b] == [PLAN[0]]


@pytest.mark.parametrize("length", [0, 8, 40, 100])
def test_what_cannot_be_followed_is_returned(length: int) -> None:
    cut = planned(single("MAX_POOL_2D", [q((1, 4, 4, 2))], q((1, 3, 3, 2)), POOL))[:length]
    assert without_plan(cut) == (cut, False)

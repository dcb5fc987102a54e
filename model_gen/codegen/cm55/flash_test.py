"""Models optimized for flash: the same bytes as the reference's, from fewer bytes of weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.reference.model import ReferenceModel
from model_gen.codegen.cm55.compile import compile_model, plan_model
from model_gen.codegen.cm55.report import report
from model_gen.codegen.testing.host_model import HostModel
from model_gen.codegen.testing.models import builder, single
from model_gen.codegen.testing.single_ops import constant, q, window
from model_gen.codegen.tflite.graph import Array


def _clustered(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Of 16 values a channel."""
    values = random.integers(-128, 128, (shape[0], 16))
    which = random.integers(0, 16, (shape[0], int(np.prod(shape[1:]))))
    return np.take_along_axis(values, which, 1).reshape(shape)


def _pruned(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Of three zeros in four."""
    return np.where(random.random(shape) < 0.75, 0, random.integers(-127, 128, shape))


def _narrow(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Of a bell with one far weight a channel."""
    made = np.clip(random.normal(0, 6, shape).round(), -127, 127)
    made.reshape(shape[0], -1)[:, 0] = 127
    return made


def _net(values: Any) -> bytes:
    """Two images of a batch: CONV_2D 3x3, CONV_2D 1x1, FULLY_CONNECTED; in channels that fill no group."""
    random = np.random.default_rng(11)

    def tensor(shape: tuple[int, ...]) -> Any:
        data = values(random, shape).astype(np.int8)
        return builder().Tensor(shape, random.uniform(0.001, 0.003, shape[0]), data=data, axis=0)

    tensors = [
        q((2, 5, 6, 32)),
        *(tensor((18, 3, 3, 32)), constant(random.integers(-999, 999, 18)), q((2, 5, 6, 18), 0.1)),
        *(tensor((80, 1, 1, 18)), constant(random.integers(-99, 99, 80)), q((2, 5, 6, 80), 0.1)),
        *(tensor((7, 80)), q((60, 7), 0.1)),
    ]
    options = {"Conv2DOptions": window()}
    ops = [
        ("CONV_2D", [0, 1, 2], [3], options, 5),
        ("CONV_2D", [3, 4, 5], [6], options, 5),
        ("FULLY_CONNECTED", [6, 7, -1], [8], {"FullyConnectedOptions": {}}, 9),
    ]
    return bytes(builder().model(ops, tensors))


@pytest.mark.parametrize(
    ("values", "most"),
    [(_clustered, 0.7), (_pruned, 0.45), (_narrow, 0.85)],
    ids=["clustered", "pruned", "narrow"],
)
def test_packed_models_are_exact(values: Any, most: float, tmp_path: Path) -> None:
    model = _net(values)
    host, reference = HostModel(model, tmp_path, optimize="flash"), ReferenceModel(model)
    steps = host.generated.program.steps
    packed = [step.kernel.unpacking for step in steps if step.kernel.unpacking is not None]
    assert len(packed) == len(steps) == 3
    assert sum(one.packed for one in packed) < most * sum(one.unpacked for one in packed)
    text = host.generated.sources["nj_model.c"]
    assert text.count("nj_unpack_s8(") == 3  # once for both images
    for seed in range(2):
        inputs = [np.random.default_rng(seed).integers(-128, 128, (2, 5, 6, 32), np.int8)]
        want, got = reference.run(inputs), host.run(inputs)
        for tensor, value in got.taps.items():
            np.testing.assert_array_equal(value, want[tensor])
        np.testing.assert_array_equal(got.outputs[0], want[reference.outputs[0].tensor])


def test_what_does_not_pay_stays_as_it_is() -> None:
    data = np.random.default_rng(1).integers(-128, 128, (8, 64)).astype(np.int8)
    model = single(
        "FULLY_CONNECTED",
        [q((1, 64)), builder().Tensor((8, 64), 0.004, data=data), None],
        q((1, 8)),
        {"FullyConnectedOptions": {}},
        version=9,
    )
    assert compile_model(model, optimize="flash").sources == compile_model(model).sources


def test_inspect_tells_gain_and_cost() -> None:
    speed, flash = report(_net(_pruned)), report(_net(_pruned), optimize="flash")
    saved = [one.packed.unpacked - one.packed.packed for one in flash.ops if one.packed is not None]
    assert len(saved) == 3
    assert flash.constant_bytes == speed.constant_bytes - sum(saved)
    assert flash.arena_bytes > speed.arena_bytes
    assert all(one.packed is None for one in speed.ops)
    # A row of 16 in 18 instructions at least, and by far not one a weight more than that of its planes.
    for one in flash.ops:
        assert one.packed is not None
        assert 18 / 16 < one.packed.instructions / one.packed.unpacked < 8


def test_an_unknown_purpose_is_refused() -> None:
    with pytest.raises(BadInput, match="optimized for one of speed, flash"):
        plan_model(b"", optimize="size")

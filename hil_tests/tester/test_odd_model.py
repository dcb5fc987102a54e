"""A model unlike the project's own: odd sizes, three types of input, four outputs; and the inputs of a seed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.compare.bench import Bench
from host.compare.session import Session
from host.deadline import Deadline
from host.link.messages import Mode, Stages, What
from model_gen.codegen.testing.models import builder, rewired

SEED, VECTORS = 11, 2


def odd_model() -> bytes:
    """float32 [1, 7, 5, 3] through two convolutions, one dilated, gated by int8 [1, 1, 1, 17] between them;
    and uint8 [1, 9], made int8 and uint8 again."""
    rng = np.random.default_rng(5)
    tensor = builder().Tensor

    def weights(shape: tuple[int, ...], axis: int) -> Any:
        data = rng.integers(-127, 128, shape).astype(np.int8)
        return tensor(shape, rng.uniform(0.001, 0.01, shape[axis]), data=data, axis=axis)

    def integers(*values: int) -> Any:
        return tensor((len(values),), data=np.array(values, np.int32), dtype="int32")

    window = {"padding": 0, "strideH": 1, "strideW": 1}
    tensors = [
        tensor((1, 7, 5, 3), dtype="float32"),  # 0: input
        tensor((1, 1, 1, 17), 0.02, -3),  # 1: input
        tensor((1, 7, 5, 3), 0.03, 5),  # 2
        weights((17, 3, 2, 3), 0),
        integers(*range(-800, 900, 100)),
        tensor((1, 7, 5, 17), 0.02, -11),  # 5
        tensor((1, 7, 5, 17), 0.01, 7),  # 6
        weights((1, 2, 3, 17), 3),
        tensor((1, 4, 3, 17), 0.004, -128),  # 8
        integers(1, 2),
        tensor((1, 17), 0.003, 1),  # 10
        tensor((1, 17), dtype="float32"),  # 11
        tensor((1, 9), 0.02, 131, dtype="uint8"),  # 12: input
        tensor((1, 9), 0.02, 3),
        tensor((1, 9), 0.03, 250, dtype="uint8"),  # 14
    ]
    ops: list[Any] = [
        ("QUANTIZE", [0], [2], {"QuantizeOptions": {}}, 1),
        ("CONV_2D", [2, 3, 4], [5], {"Conv2DOptions": window | {"dilationHFactor": 2}}, 1),
        ("MUL", [1, 5], [6], {"MulOptions": {}}, 1),
        (
            "DEPTHWISE_CONV_2D",
            [6, 7, 4],
            [8],
            {"DepthwiseConv2DOptions": {"padding": 0, "strideH": 2, "strideW": 2}},
            1,
        ),
        ("MEAN", [8, 9], [10], {"ReducerOptions": {"keepDims": False}}, 1),
        ("DEQUANTIZE", [10], [11], None, 1),
        ("QUANTIZE", [12], [13], {"QuantizeOptions": {}}, 1),
        ("QUANTIZE", [13], [14], {"QuantizeOptions": {}}, 1),
    ]
    return rewired(builder().model(ops, tensors), inputs=[0, 1, 12], outputs=[11, 5, 8, 14])


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("odd") / "odd.tflite"
    path.write_bytes(odd_model())
    return path


def test_odd_model_is_exact_on_the_stated_inputs(
    made: Any, odd: Path, tier: str, boards: Path
) -> None:
    subject, project = made(odd, tier)
    rng, beside = np.random.default_rng(SEED), np.random.default_rng([SEED, 1])
    steps = rng.integers(-128, 128, (VECTORS, 1, 7, 5, 3), dtype=np.int8)
    off = beside.uniform(-7 / 16, 7 / 16, steps.shape)
    off[steps == -128] = -16 * np.abs(off[steps == -128])
    off[steps == 127] = 16 * np.abs(off[steps == 127])
    drawn: list[Any] = [
        ((steps - 5.0 + off) * np.float64(np.float32(0.03))).astype(np.float32),
        rng.integers(-128, 128, (VECTORS, 1, 1, 1, 17), dtype=np.int8),
        rng.integers(0, 256, (VECTORS, 1, 9), dtype=np.uint8),
    ]
    with Bench(Session(project, subject, tier, vectors=VECTORS, seed=SEED, root=boards)) as bench:
        for vector in range(VECTORS):
            assert not bench.observation(vector).findings
            bench.client.run(Stages.MODEL, mode=Mode.PLAIN, deadline=Deadline.after(30))
            for index, values in enumerate(drawn):
                want = values[vector].tobytes()
                got = bench.client.read(What.INPUT, index, 0, len(want), Deadline.after(30))
                assert got == want
        verdict = bench.verdict()
    assert verdict.exact
    assert [layer.index for layer in verdict.layers] == list(range(8))
    assert all(layer.observed for layer in verdict.layers)

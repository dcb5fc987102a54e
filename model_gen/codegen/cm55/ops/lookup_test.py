"""Tables of 256 against the reference, over many scales and no C; random_ops_test.py runs the C."""

import math

import numpy as np

from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.cm55.ops.registry import Constants
from model_gen.codegen.testing.drawn import Case, model_of
from model_gen.codegen.testing.models import builder, judge

EVERY = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
DRAWS = 200


def test_every_step_of_a_log_is_the_reference_s() -> None:
    rng = np.random.default_rng(13)
    cases = []
    for draw in range(DRAWS):
        zero = -128 if draw % 2 else int(rng.integers(-128, 128))
        source = builder().Tensor((1, 256), float(np.float32(10 ** rng.uniform(-7, 3))), zero)
        scale, zero = float(np.float32(10 ** rng.uniform(-3, 1))), int(rng.integers(-128, 128))
        cases.append(Case("LOG", (source,), (builder().Tensor((1, 256), scale, zero),)))
    model = model_of(cases)
    reference = judge(model, "tflite")
    want = reference.run([EVERY] * DRAWS)
    for step, output, case in zip(
        plan_model(model)[0].steps, reference.outputs, cases, strict=True
    ):
        (table,) = (one.values for one in step.kernel.arguments if isinstance(one, Constants))
        assert (table == want[output.tensor][0]).all(), case
        _assert_near_the_logarithm(table, case)


def _assert_near_the_logarithm(table: np.ndarray, case: Case) -> None:
    source, target = case.operands[0], case.outputs[0]
    for step, got in zip(range(-128, 128), table, strict=True):
        x = source.scale * (step - source.zero_point)
        if x <= 0:
            assert got == -128
            continue
        y = math.log(x) / target.scale + target.zero_point
        assert abs(got - max(-128, min(127, y))) <= 0.501

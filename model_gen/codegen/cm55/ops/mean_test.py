"""SUM is refused under the rules whose judge computes it wrongly, and taken where that cannot show."""

from pathlib import Path
from typing import Any

import pytest

from host.errors import BadInput
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.cm55.exactness_test import check
from model_gen.codegen.testing.models import RULES, builder
from model_gen.codegen.testing.single_ops import constant, q

_SHAPE = (1, 4, 3)


def behind_relu(zero_point: int, out_scale: float, relu: str = "RELU") -> bytes:
    """RELU or ABS, then SUM over 4 places."""
    source = q(_SHAPE, 0.05, 0)
    middle, target = q(_SHAPE, 0.05, zero_point), q((1, 3), out_scale, 0)
    ops: list[Any] = [
        (relu, [0], [1], None, 1),
        ("SUM", [1, 2], [3], {"ReducerOptions": {"keepDims": False}}, 2),
    ]
    return bytes(builder().model(ops, [source, middle, constant([1]), target]))


@pytest.mark.parametrize("rules", RULES)
def test_sum_of_steps_that_are_never_negative_is_exact(rules: str, tmp_path: Path) -> None:
    check(behind_relu(0, 0.2), tmp_path, rounding=rules)


@pytest.mark.parametrize(
    ("zero_point", "out_scale", "op"), [(-3, 0.2, "RELU"), (0, 0.1, "RELU"), (0, 0.2, "ABS")]
)
def test_sum_is_refused_where_a_step_can_be_negative(
    zero_point: int, out_scale: float, op: str
) -> None:
    """Below zero in the input, above 127 in the output, or with nothing known of the input."""
    model = behind_relu(zero_point, out_scale, op)
    with pytest.raises(BadInput, match=r"op 1, SUM: .* reads int8 steps as uint8") as caught:
        plan_model(model)
    assert "--rounding tflm" in caught.value.next_step
    program, _ = plan_model(model, rounding="tflm")
    assert [step.kernel.function for step in program.steps] == ["nj_lookup_s8", "nj_mean_s8"]

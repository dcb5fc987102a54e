"""All that is refused is told at once, each with its own next step, and nothing that only follows from it."""

from typing import Any

import pytest

from host.errors import BadInput
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.testing.models import builder
from model_gen.codegen.testing.single_ops import constant, q
from model_gen.codegen.tflite.advice import CALIBRATION, FULL_INT8
from model_gen.codegen.tflite.findings import Finding, Refused


def refusal(ops: list[Any], tensors: list[Any]) -> BadInput:
    with pytest.raises(BadInput) as caught:
        plan_model(builder().model(ops, tensors))
    return caught.value


def real(shape: tuple[int, ...]) -> Any:
    return builder().Tensor(shape, dtype="float32")


def findings(ops: list[Any], tensors: list[Any]) -> tuple[Finding, ...]:
    error = refusal(ops, tensors)
    assert isinstance(error, Refused)
    return error.findings


def test_every_finding_is_told_with_its_own_next_step() -> None:
    tensors = [q((1, 4)), q((1, 4)), q((1, 4)), q((1, 4), 1e-9), q((1, 4), 1 / 256, -128)]
    ops: list[Any] = [
        ("CEIL", [0], [1], None, 1),
        ("CEIL", [1], [2], None, 1),
        ("RELU", [2], [3], None, 1),
        ("SOFTMAX", [3], [4], {"SoftmaxOptions": {"beta": 1.0}}, 1),
    ]
    unknown, softmax = findings(ops, tensors)
    assert (unknown.ops, unknown.name) == ((0, 1), "CEIL")
    assert "backend cm55 does not know this op" in unknown.why
    assert "nightjar inspect --ops" in unknown.next_step
    assert (softmax.ops, softmax.next_step) == ((3,), CALIBRATION)
    error = refusal(ops, tensors)
    assert "2 findings in 3 ops" in error.what
    assert "ops 0, 1, CEIL" in str(error)
    assert str(error).count("next step: ") == 2
    told: Any = error.as_json()["findings"]
    assert [one["ops"] for one in told] == [(0, 1), (3,)]


def test_other_rules_are_advised_with_what_they_would_refuse() -> None:
    log: Any = ("LOG", [0], [1], None, 1)
    tensors = [q((1, 4)), q((1, 4)), q((1, 4))]
    with pytest.raises(BadInput) as caught:
        plan_model(builder().model([log, ("CEIL", [1], [2], None, 1)], tensors), rounding="tflm")
    assert "; but --rounding tflite would refuse CEIL" in caught.value.next_step
    with pytest.raises(BadInput) as caught:
        plan_model(builder().model([log], tensors[:2]), rounding="tflm")
    assert caught.value.next_step.endswith("with --rounding tflite")


def test_findings_of_float_and_of_unknown_ops_say_so() -> None:
    tensors = [real((1, 4)), real((1, 4)), q((1, 4)), q((1, 4))]
    ops: list[Any] = [("RELU", [0], [1], None, 1), ("CEIL", [2], [3], None, 1)]
    first, second = findings(ops, tensors)
    assert first.next_step == FULL_INT8
    assert "not int8" in first.why
    assert "nightjar inspect --ops" in second.next_step


def test_what_only_follows_from_a_refused_op_is_not_told() -> None:
    """The shape that CEIL would have computed is not known, and so is the RESHAPE's."""
    integers = builder().Tensor((2,), dtype="int32")
    tensors = [q((1, 4)), constant([2, 2]), integers, q((2, 2)), q((1, 3)), q((2, 2))]
    ops: list[Any] = [
        ("CEIL", [1], [2], None, 1),
        ("RESHAPE", [0, 2], [3], {"ReshapeOptions": {}}, 1),
        ("ADD", [3, 4], [5], {"AddOptions": {}}, 1),
    ]
    first, second = findings(ops, tensors)
    assert (first.name, second.name) == ("CEIL", "ADD")
    assert "do not broadcast" in second.why


def test_one_finding_is_the_error_itself() -> None:
    error = refusal([("ADD", [0, 0], [1], {"AddOptions": {}}, 1)], [q((1, 4)), q((1, 4), 1e-9)])
    assert error.what.startswith("op 0, ADD: ")
    assert not isinstance(error, Refused)


def test_one_reason_of_several_ops_is_told_as_any_error() -> None:
    tensors = [q((1, 4)), q((1, 4)), q((1, 4))]
    error = refusal([("CEIL", [0], [1], None, 1), ("CEIL", [1], [2], None, 1)], tensors)
    assert error.what == "ops 0, 1, CEIL: backend cm55 does not know this op"
    assert error.evidence.startswith("Received: ")
    assert str(error).count("next step: ") == 1

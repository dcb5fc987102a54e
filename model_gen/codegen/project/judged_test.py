"""What the judge refuses is refused by `generate`, by the op's name, with nothing written."""

from pathlib import Path

import pytest

from host.bundle import Subject
from host.errors import BadInput
from model_gen.codegen.project import judged
from model_gen.codegen.project.generate import generate
from model_gen.codegen.project.judged import check_judged
from model_gen.codegen.testing.models import builder, single
from model_gen.codegen.testing.single_ops import constant, q

TFLITE_REFUSES = {
    "LOGISTIC": lambda: single("LOGISTIC", [q((1, 4))], q((1, 4), 1 / 255, -128)),
    "RESHAPE": lambda: single(
        "RESHAPE", [q((2, 2)), constant([[1, 4]])], q((1, 4)), {"ReshapeOptions": {}}
    ),
}


@pytest.mark.parametrize("op", TFLITE_REFUSES)
def test_the_judge_refuses_what_the_generator_refuses(op: str, tmp_path: Path) -> None:
    model = TFLITE_REFUSES[op]()
    with pytest.raises(
        BadInput, match=f"^INPUT: op 0, {op}: the judge of the rules tflite refuses"
    ):
        check_judged(model, "tflite")
    with pytest.raises(BadInput, match=f"^INPUT: op 0, {op}: TensorFlow Lite ") as caught:
        generate(Subject(tmp_path / "m.tflite", model), "native", tmp_path / "p")
    assert caught.value.next_step
    assert list(tmp_path.iterdir()) == []


def test_what_only_the_judge_refuses_is_refused_too(tmp_path: Path) -> None:
    """An op version that nobody has."""
    model = bytes(builder().model([("RELU", [0], [1], None, 99)], [q((1, 4)), q((1, 4))]))
    with pytest.raises(BadInput, match="the judge of the rules tflite refuses") as caught:
        generate(Subject(tmp_path / "m.tflite", model), "native", tmp_path / "p")
    assert "--rounding tflm" in caught.value.next_step
    assert list(tmp_path.iterdir()) == []


def test_other_rules_are_advised_only_where_they_would_take_the_model() -> None:
    """An op version that TFLite lacks, beside an op that tflite-micro lacks, and beside none."""
    newer, tensors = ("RELU", [0], [1], None, 99), [q((1, 4)), q((1, 4)), q((1, 4))]
    with pytest.raises(BadInput) as caught:
        check_judged(bytes(builder().model([newer], tensors[:2])), "tflite")
    assert caught.value.next_step.startswith("take the other rules, --rounding tflm, or convert")
    log = ("LOG", [1], [2], None, 1)
    with pytest.raises(BadInput) as caught:
        check_judged(bytes(builder().model([newer, log], tensors)), "tflite")
    step = caught.value.next_step
    assert step.startswith("convert again so that TensorFlow Lite runs it; --rounding tflm would")
    assert "op 1, LOG: " in step


def test_what_the_judge_of_the_other_rules_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The generator takes it by both rules."""
    model = bytes(builder().model([("RELU", [0], [1], None, 99)], [q((1, 4)), q((1, 4))]))

    class Refusing:
        def __init__(self, _: bytes, rounding: str) -> None:
            self._rounding = rounding

        @property
        def ports(self) -> None:
            raise BadInput(f"{self._rounding} says no", evidence="Node number 0 (RELU)")

    monkeypatch.setattr(judged, "KeptReference", Refusing)
    with pytest.raises(BadInput) as caught:
        check_judged(model, "tflite")
    assert caught.value.next_step.endswith("would refuse it too: tflm says no")

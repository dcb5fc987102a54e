from pathlib import Path
from typing import Any

import pytest

from host.bundle import load_subject
from host.errors import BadInput
from model_gen.codegen.project.generate import generate
from model_gen.codegen.project.limits import core_limits
from model_gen.codegen.testing.models import builder
from model_gen.codegen.testing.single_ops import q


def written(folder: Path, inputs: int, steps: int) -> Path:
    """RELUs: one an input, and then one after the other on the last."""
    tensors = [q((1, 2)) for _ in range(inputs + steps)]
    ops: list[Any] = [("RELU", [i], [inputs + i], None, 1) for i in range(steps)]
    path = folder / "model.tflite"
    path.write_bytes(builder().model(ops, tensors))
    return path


@pytest.mark.parametrize(("inputs", "steps"), [(1, 513), (33, 33)])
def test_more_than_the_core_has_room_for_is_refused(
    inputs: int, steps: int, tmp_path: Path
) -> None:
    subject = load_subject(written(tmp_path, inputs, steps))
    with pytest.raises(BadInput, match="too long for the firmware") as caught:
        generate(subject, "native", tmp_path / "out")
    assert f"{inputs} inputs of at most 32, {steps} steps of at most 512" in caught.value.evidence
    assert not (tmp_path / "out").exists()


def test_as_much_as_the_core_has_room_for_is_taken(tmp_path: Path) -> None:
    assert core_limits() == {"inputs": 32, "steps": 512, "taps": 512}
    for inputs, steps in ((1, 512), (32, 32)):
        generate(load_subject(written(tmp_path, inputs, steps)), "native", tmp_path / "out")

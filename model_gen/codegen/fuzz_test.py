"""5,000 damaged models a run: each is refused or compiled, in bounded time."""

from typing import Any

import pytest

from host.errors import BadInput
from model_gen.codegen import fuzz
from model_gen.codegen.cm55.compile import compile_model
from model_gen.codegen.testing.fuzz_models import MODELS, shapes
from model_gen.codegen.testing.models import changed, single
from model_gen.codegen.testing.single_ops import q

INPUTS = 5_000  # README.md states this number
SECONDS = 20.0  # of processor time for one input; 8 MB of constants are printed in 5


@pytest.fixture(scope="module")
def models() -> list[bytes]:
    made = [make() for make in MODELS]
    for model in made:
        compile_model(model)  # whole, they are taken
    return made


def test_5000_damaged_models_are_refused_or_compiled(models: list[bytes]) -> None:
    found = fuzz.fuzz(models, count=INPUTS, seed=0)
    print(found)
    assert found.slowest < SECONDS, f"input {found.slowest_index}"
    assert INPUTS // 20 < found.accepted < INPUTS - INPUTS // 20  # felt, and not always fatal


def test_a_finding_names_its_input(models: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(content: bytes) -> None:
        raise RecursionError(len(content))

    monkeypatch.setattr(fuzz, "compile_model", broken)
    with pytest.raises(fuzz.Finding, match="input 7 of seed 3"):
        fuzz.fuzz(models, count=1, seed=3, first=7)


def test_found_scales_whose_ratio_is_infinite() -> None:
    model = single("MUL", [q((1, 4), 1e25), q((1, 4), 1e25)], q((1, 4), 1e-25), {"MulOptions": {}})
    with pytest.raises(BadInput, match="too large for int32"):
        compile_model(model)


@pytest.mark.parametrize(
    ("op", "scale"),
    [
        *((op, 1e-30) for op in ("LOGISTIC", "LOG", "RELU6", "RELU_N1_TO_1")),
        *((op, 1e-44) for op in ("LOGISTIC", "TANH", "LOG", "RELU6", "RELU_N1_TO_1")),
    ],
)
def test_found_scales_beyond_int32(op: str, scale: float) -> None:
    with pytest.raises(BadInput, match="too small"):
        compile_model(single(op, [q((1, 4), scale)], q((1, 4), scale)))


def test_found_folded_tensor_of_no_known_type() -> None:
    def change(tensor: Any, _: Any) -> None:
        tensor.type = 64

    with pytest.raises(BadInput, match="folding gives int8"):
        compile_model(changed(shapes(), 10, change))


def test_inputs_repeat(models: list[bytes]) -> None:
    first = [fuzz.damaged(models, 1, index) for index in range(50)]
    assert first == [fuzz.damaged(models, 1, index) for index in range(50)]
    assert len(set(first)) > 45

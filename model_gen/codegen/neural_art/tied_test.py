"""Whose constants lie in the memory: an exchanged image is refused, whoever signs the model."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host.errors import IdentityFailure
from host.npu.comparison.testing_network import exchanged, write
from host.npu.compiler.model import compile_model
from host.npu.testing import layers as npu
from model_gen.codegen.neural_art.output_folder import of_files, read_output
from model_gen.codegen.neural_art.provenance import identify
from model_gen.codegen.neural_art.testing.model import small_model
from model_gen.codegen.neural_art.testing.output import output_files
from model_gen.codegen.neural_art.testing.written import Small
from model_gen.codegen.testing.net import make_net

NET = make_net(3).tflite()
EQUAL = "constants that are formulas equal"
OTHERWISE = 2  # zero points of -128, which the networks written here take off in the unit itself


def _moved(steps: float) -> Callable[[int, npu.Layer], npu.Layer]:
    """Another bias of one channel of op 2, by so many output steps."""

    def change(index: int, layer: npu.Layer) -> npu.Layer:
        if index != 2:
            return layer
        assert isinstance(layer, npu.Conv)
        how = layer.requantization
        assert isinstance(how, npu.Fused | npu.TwoSteps)
        more = (np.arange(len(how.offsets)) == 3) * round(steps * 2**how.shift)
        return replace(layer, requantization=replace(how, offsets=how.offsets + more))

    return change


@pytest.mark.parametrize("dialect", ["2.1", "2.2", "4.0"])
def test_the_constants_of_its_own_network_are_counted_and_equal(
    tmp_path: Path, dialect: str
) -> None:
    output = read_output(write(tmp_path / "out", compile_model(NET, dialect), NET))
    equal, _, total = identify(output, NET).statement.partition(EQUAL)[0].split()[-3:]
    assert int(equal) == int(total) - OTHERWISE > 80
    alone = of_files({n: d for n, d in output.files.items() if not n.endswith(".json")})
    said = identify(alone, NET).statement
    assert f"{equal} of {total} {EQUAL}" in said
    assert "biases" not in said


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("dialect", ["2.2", "4.0"])
def test_another_bias_is_of_another_network(tmp_path: Path, dialect: str, signed: bool) -> None:
    model = compile_model(NET, dialect)
    output = read_output(write(tmp_path / "out", model, NET, _moved(1 / 16)))
    if not signed:
        output = of_files({n: d for n, d in output.files.items() if not n.endswith(".json")})
    for reordered in (False, True):
        with pytest.raises(IdentityFailure, match=r"op 2 .*1 of 12 offsets"):
            identify(output, NET, reordered=reordered)


def test_the_compilers_rounding_is_counted_and_let_pass(tmp_path: Path) -> None:
    model = compile_model(NET, "4.0")
    output = read_output(write(tmp_path / "out", model, NET, _moved(1e-5)))
    equal, _, total = identify(output, NET).statement.partition(EQUAL)[0].split()[-3:]
    assert int(equal) == int(total) - OTHERWISE - 1


def test_another_order_is_left_to_who_judges_each_layer(tmp_path: Path) -> None:
    model = compile_model(NET, "4.0")
    folder = write(tmp_path / "out", model, NET, lambda i, one: exchanged(one) if i == 2 else one)
    output = read_output(folder)
    with pytest.raises(IdentityFailure, match=r"op 2 .*2 of 12 offsets"):
        identify(output, NET)
    assert EQUAL in identify(output, NET, reordered=True).statement


def test_constants_that_cannot_be_read_are_not_looked_at_and_it_is_said() -> None:
    small = of_files(output_files(Small("4.0", small_model(), controller=True)))
    said = identify(small, small_model()).statement
    assert "a program of the epoch controller holds them" in said

"""A model for another board is held against every STM32N6's memory."""

from dataclasses import replace

import pytest

from model_gen.codegen.cm55.compile import compile_model
from model_gen.codegen.cm55.memory import Needs
from model_gen.codegen.project.elsewhere import elsewhere
from model_gen.codegen.project.ports import boards, n6_boards
from model_gen.codegen.testing.models import single
from model_gen.codegen.testing.single_ops import q

N6 = ["nucleo-n657x0-q", "stm32n6570-dk"]


@pytest.fixture(scope="module")
def small() -> Needs:
    return compile_model(single("RELU", [q((1, 4))], q((1, 4)))).needs


def test_every_n6_is_named_and_no_other_board(small: Needs) -> None:
    assert n6_boards() == N6
    assert [bool(elsewhere(small, name)) for name in boards()] == [
        name not in N6 for name in boards()
    ]
    told = elsewhere(small, "virtual")
    assert told.count("fits, all in RAM") == len(N6)
    assert "\n" not in told


def test_what_does_not_fit_is_told_with_sizes(small: Needs) -> None:
    told = elsewhere(replace(small, objects={"arena": 9_000_000}), "virtual")
    assert told.count("DOES NOT FIT: RAM of at least 9,") == len(N6)
    flash = replace(small, constants=1 << 30, weights=1 << 30)
    assert elsewhere(flash, "native").count("DOES NOT FIT: weights of 1,073,741,824 bytes") == len(
        N6
    )


def test_weights_beyond_the_ram_lie_in_the_nor(small: Needs) -> None:
    many = replace(small, constants=4_000_000, weights=4_000_000)
    assert elsewhere(many, "virtual").count("fits, weights in the external NOR") == len(N6)

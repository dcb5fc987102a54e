"""What a board's port is asked before a project is written for it."""

from types import SimpleNamespace
from typing import Any

import pytest

from host.errors import BadInput
from model_gen.codegen.project.ports import boards, check_heard


def at(hz: int) -> Any:
    """What is asked of a contract."""
    return SimpleNamespace(frontend=SimpleNamespace(sample_rate=hz))


@pytest.mark.parametrize("board", boards())
def test_a_rate_that_the_microphone_cannot_make_is_refused_where_there_is_one(board: str) -> None:
    check_heard(board, at(24000))
    check_heard(board, None)
    if board == "stm32n6570-dk":
        with pytest.raises(BadInput, match="cannot be sampled at the contract's rate"):
            check_heard(board, at(10000))
    else:
        check_heard(board, at(10000))

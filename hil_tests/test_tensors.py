"""Every layer's tensor, and the scores: equal, every byte."""

import pytest

from hil_tests.suite import Ask
from host.compare.questions import Kind, Question


@pytest.mark.asks(Kind.TENSOR)
def test_tensor(ask: Ask, question: Question) -> None:
    """One op output on one vector."""
    ask(question)


@pytest.mark.asks(Kind.SCORES)
def test_scores(ask: Ask, question: Question) -> None:
    """The model's outputs as the board sends them."""
    ask(question)

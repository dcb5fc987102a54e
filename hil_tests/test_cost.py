"""What each stage and layer costs: counted, and the same in every run where the unit is exact."""

import pytest

from hil_tests.suite import Ask
from host.compare.questions import Kind, Question


@pytest.mark.asks(Kind.STAGES)
def test_stages(ask: Ask, question: Question) -> None:
    """The cost of frontend and model, untapped."""
    ask(question)


@pytest.mark.asks(Kind.COST)
def test_layer(ask: Ask, question: Question) -> None:
    """The cost of one layer, largest over the vectors."""
    ask(question)

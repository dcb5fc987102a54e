"""Which firmware answers. Every other test of the suite asks this first."""

import pytest

from hil_tests.suite import Ask
from host.compare.questions import Kind, Question


@pytest.mark.asks(Kind.IDENTITY)
def test_identity(ask: Ask, question: Question) -> None:
    """Build-id, model, contract, protocol and tables are those of the project."""
    ask(question)

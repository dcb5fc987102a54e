"""Many inferences on one link, each with its input loaded anew: nothing lost, nothing wrong."""

import pytest

from hil_tests.suite import Ask
from host.compare.questions import Kind, Question


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.asks(Kind.SOAK)
def test_soak(ask: Ask, question: Question) -> None:
    """--soak inferences; the full measure is 1,000."""
    ask(question)

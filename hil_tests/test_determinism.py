"""The same input gives the same outputs, however often it is run."""

import pytest

from hil_tests.suite import Ask
from host.compare.questions import Kind, Question


@pytest.mark.asks(Kind.REPEATED)
def test_repeated_runs(ask: Ask, question: Question) -> None:
    ask(question)


@pytest.mark.asks(Kind.UNTAPPED)
def test_untapped_run(ask: Ask, question: Question) -> None:
    """Taps change nothing: an untapped run gives what the tapped one gave."""
    ask(question)

"""Overlapping chunks while samples arrive in blocks of any size: equal to the chunks one by one, every byte."""

import pytest

from hil_tests.suite import Ask
from host.compare.questions import Kind, Question


@pytest.mark.timeout(600)
@pytest.mark.asks(Kind.STREAM)
def test_stream(ask: Ask, question: Question) -> None:
    """Every tensor of each chunk of a recording, made of the bundle's own, in every kind of run."""
    ask(question)

"""From sound to the model's input: equal, every byte, on every tier."""

import pytest

from hil_tests.suite import Ask
from host.compare.questions import Kind, Question


@pytest.mark.asks(Kind.FEATURES)
def test_features(ask: Ask, question: Question) -> None:
    """The board's spectrogram of a chunk."""
    ask(question)


@pytest.mark.asks(Kind.INPUT)
def test_input(ask: Ask, question: Question) -> None:
    """The model's inputs: quantized features of a chunk, or the tensors as they were loaded."""
    ask(question)

"""From sound to the model's input: equal, every byte, on every tier."""

import pytest

from host.compare.session import Bench
from host.errors import FirmwareFailure


@pytest.mark.chunks
def test_features(bench: Bench, vector: int) -> None:
    """The board's spectrogram of a chunk."""
    _judge(bench, vector, "FRONTEND")


def test_input(bench: Bench, vector: int) -> None:
    """The model's inputs: quantized features of a chunk, or the tensors as they were loaded."""
    _judge(bench, vector, "INPUT")


def _judge(bench: Bench, vector: int, op: str) -> None:
    explained = bench.explain_stage(vector, op)
    if explained is not None:
        raise FirmwareFailure(
            explained, next_step="`nightjar verify` writes a folder that reproduces it"
        )

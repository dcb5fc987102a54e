"""Every layer's tensor, and the scores: equal, every byte."""

import pytest

from host.compare.session import Bench
from host.errors import FirmwareFailure

NEXT = "`nightjar verify` writes a folder that reproduces it"


def test_tensor(bench: Bench, tensor: tuple[int, int]) -> None:
    """One op output on one vector. A tensor that the generator folded away is skipped, with its reason."""
    vector, position = tensor
    observation = bench.observation(vector)
    tap = bench.taps[position]
    if not tap.observed:
        pytest.skip(f"not observed: {tap.reason}")
    if position not in observation.compared:
        raise AssertionError(f"layer {position} was not compared")
    explained = bench.explain(vector, position)
    if explained is not None:
        raise FirmwareFailure(explained, next_step=NEXT)


def test_scores(bench: Bench, vector: int) -> None:
    """The model's outputs as the board sends them."""
    explained = bench.explain_stage(vector, "OUTPUT")
    if explained is not None:
        raise FirmwareFailure(explained, next_step=NEXT)

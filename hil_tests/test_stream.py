"""Overlapping chunks while samples arrive in blocks of any size: equal to the chunks one by one, every byte."""

import numpy as np
import pytest

from host.compare.feed import Feed, feeds
from host.compare.session import Bench
from host.errors import FirmwareFailure

CHUNKS = 5  # of a stream


@pytest.mark.timeout(600)
def test_stream(bench: Bench, stride: float, request: pytest.FixtureRequest) -> None:
    """Every tensor of each chunk of a recording, made of the bundle's own, in every kind of run."""
    contract = bench.subject.contract
    own = bench.subject.vectors()
    assert contract is not None
    assert own is not None
    size, hop = contract.frontend.chunk_samples, contract.frontend.hop
    step = hop * max(1, round(stride * size / hop))
    starts = [number * step for number in range(CHUNKS)]
    recording = np.resize(own.chunks, starts[-1] + size)
    generator = np.random.default_rng(request.config.getoption("--seed"))
    for number, feed in enumerate(feeds(recording, starts, size, step)):
        _judge(bench, number, feed.in_blocks(generator), step)


def _judge(bench: Bench, number: int, feed: Feed, step: int) -> None:
    explained = bench.explain_feed(number, feed)
    if explained is not None:
        raise FirmwareFailure(
            f"chunk {number} of a stream is not what it is when it is loaded whole",
            evidence=f"{step} samples from chunk to chunk, {len(feed.blocks)} blocks; {explained}",
            next_step="if `nightjar verify` finds whole chunks right, look into core/frontend/nj_stream.c",
        )

"""Frames that are lost, doubled, or come again long after they were answered, both ways.

Sessions are right all the same: nothing runs twice, nothing that was loaded or run is forgotten,
and nothing of it is laid to the firmware or the board.
"""

import random
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.boards import open_board
from host.boards.base import Board
from host.deadline import Deadline
from host.link.client import Client
from host.link.faults import FrameFaults
from host.link.messages import Mode, Stages, What
from host.link.testing_firmware import (
    TINY_COMMAND,
    WIDE_BYTES,
    build_firmware,
    can_build,
    wide_output,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not can_build("native"), reason="gcc is not installed"),
]
DRIFT = struct.pack("<BB14x", TINY_COMMAND, 12)  # the model counts its runs: nj_tiny.h
RATES = st.sampled_from([0.02, 0.1, 0.25])
SEEDS = st.integers(0, 2**32 - 1)


def soon() -> Deadline:
    return Deadline.after(60)


def opened(name: str, root: Path) -> Iterator[Board]:
    with open_board("native", root=root) as board:
        board.flash(build_firmware(name, "native"), soon())
        yield board


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    yield from opened("tiny", tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    yield from opened("wide", tmp_path_factory.mktemp("wide"))


@contextmanager
def disturbed(board: Board, seed: int, rate: float, late: bool = True) -> Iterator[Client]:
    faulty = FrameFaults(board.connect(soon()), seed=seed, rate=rate, late=late)
    try:
        yield Client(faulty)
    finally:
        faulty.close()


def drifting(client: Client) -> list[object]:
    """Everything that is seen in two sessions of a model that counts its runs."""
    seen: list[object] = []
    for _ in range(2):
        client.hello(soon())
        client.load_input(0, DRIFT, soon())
        client.load_input(1, bytes(5), soon())
        seen += [client.run(Stages.MODEL, deadline=soon()) for _ in range(3)]
        seen.append(client.run(Stages.MODEL, times=2, mode=Mode.TAPPED, deadline=soon()))
        seen.append(client.digests(soon()))
        client.run(Stages.MODEL, mode=Mode.STEPS, deadline=soon())
        seen.append(client.cost(soon()))
        seen.append(client.read(What.OUTPUT, 0, 0, 4, soon()))
    return seen


@pytest.fixture(scope="module")
def undisturbed(tiny: Board) -> list[object]:
    transport = tiny.connect(soon())
    seen = drifting(Client(transport))
    transport.close()
    assert len(set(map(repr, seen))) > 8
    return seen


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, rate=RATES)
def test_nothing_runs_twice_and_nothing_is_forgotten(
    tiny: Board, undisturbed: list[object], seed: int, rate: float
) -> None:
    tiny.reset(soon())
    with disturbed(tiny, seed, rate) as client:
        assert drifting(client) == undisturbed


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, rate=RATES)
def test_long_transfers_both_ways(wide: Board, seed: int, rate: float) -> None:
    """Go-back-N of a load, and reads with many requests under way."""
    data = random.Random(seed).randbytes(WIDE_BYTES)
    want = wide_output(data)
    with disturbed(wide, seed, rate) as client:
        client.hello(soon())
        client.load_input(0, data, soon())
        client.run(Stages.MODEL, mode=Mode.TAPPED, deadline=soon())
        assert client.digests(soon()).taps == (zlib.crc32(want),)
        assert client.read(What.TAP, 0, 0, WIDE_BYTES, soon()) == want


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_a_reset_is_made_and_copies_of_it_are_not(tiny: Board, seed: int) -> None:
    """Lost or doubled, itself and its answer.

    (What is older than a boot, the board cannot know to be late.)
    """
    with disturbed(tiny, seed, 0.25, late=False) as client:
        before = client.hello(soon()).boot
        client.reset(soon())
        boot = client.hello(soon()).boot
        assert boot != before
        for _ in range(5):
            client.digests(soon())
        assert client.hello(soon()).boot == boot

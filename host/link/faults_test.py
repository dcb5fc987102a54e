"""Sessions with the real firmware over a link that damages bytes: right by retries, or LINK; never wrong or late."""

import queue
import random
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from host.boards import open_board
from host.boards.base import Board
from host.deadline import Deadline
from host.errors import LinkFailure
from host.link.client import Client
from host.link.faults import ByteFaults, Direction, FaultyTransport
from host.link.messages import Mode, Stages, What
from host.link.testing_firmware import (
    WIDE_BYTES,
    build_firmware,
    can_build,
    tiny_output,
    wide_output,
)

SESSIONS = 200
AT_ONCE = 4
Session = Callable[[Client, int, Deadline], None]
needs_compiler = pytest.mark.skipif(not can_build("native"), reason="gcc is not installed")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Board]]:
    yield from _boards("tiny", tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Board]]:
    yield from _boards("wide", tmp_path_factory.mktemp("wide"))


def _boards(name: str, root: Path) -> Iterator[list[Board]]:
    """As many boards as sessions run at once: most of a session over a bad link is waiting."""
    elf = build_firmware(name, "native")
    with ExitStack() as stack:
        boards = [stack.enter_context(open_board("native", root=root)) for _ in range(AT_ONCE)]
        for board in boards:
            board.flash(elf, Deadline.after(20))
        yield boards


def _tiny_session(client: Client, seed: int, deadline: Deadline) -> None:
    """Everything that a verdict rests on; raises LinkFailure, or AssertionError for a wrong value."""
    generator = random.Random(seed)
    # Byte 0 must not be the command to misbehave.
    first = bytes([seed % 0x5A]) + generator.randbytes(15)
    second = generator.randbytes(5)
    hello = client.hello(deadline)
    assert (hello.board, hello.backend, hello.taps, hello.steps) == ("native", "tiny", 3, 3)
    client.load_input(0, first, deadline)
    client.load_input(1, second, deadline)
    result = client.run(Stages.MODEL, times=2, mode=Mode.TAPPED, deadline=deadline)
    want = tiny_output(first, second)
    digests = client.digests(deadline)
    assert result.runs == 2
    assert result.differing == 0
    assert result.output == digests.output == zlib.crc32(want[:4])
    assert digests.taps[2] == zlib.crc32(want)
    assert client.read(What.TAP, 2, 0, 16, deadline) == want


def _wide_session(client: Client, seed: int, deadline: Deadline) -> None:
    data = random.Random(seed).randbytes(WIDE_BYTES)
    want = wide_output(data)
    client.hello(deadline)
    client.load_input(0, data, deadline)
    client.run(Stages.MODEL, mode=Mode.TAPPED, deadline=deadline)
    assert client.digests(deadline).taps == (zlib.crc32(want),)
    assert client.read(What.TAP, 0, 0, WIDE_BYTES, deadline) == want


def _sessions(
    boards: list[Board], session: Session, rate: float, direction: Direction, seconds: float
) -> tuple[int, int, int]:
    """(right, LINK, bytes damaged) of 200 sessions; none may take longer than its deadline."""

    def one(seed: int) -> tuple[bool, int]:
        board = idle.get()
        transport = FaultyTransport(
            board.connect(Deadline.after(5)), seed=seed, rate=rate, direction=direction
        )
        started = time.monotonic()
        right = True
        try:
            session(Client(transport), seed, Deadline.after(seconds))
        except LinkFailure as failure:
            assert "attempts" in failure.evidence or "unsent" in failure.evidence  # noqa: PT017
            right = False
        finally:
            transport.close()
            idle.put(board)
        assert time.monotonic() - started < seconds + 2
        return right, transport.faults

    idle: queue.Queue[Board] = queue.Queue()
    for board in boards:
        idle.put(board)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(one, range(SESSIONS)))
    right = sum(was_right for was_right, _ in done)
    return right, SESSIONS - right, sum(faults for _, faults in done)


@needs_compiler
@pytest.mark.parametrize("direction", ["to_board", "from_board", "both"])
def test_corrupt_1e4_is_mended_by_retries(tiny: list[Board], direction: Direction) -> None:
    right, lost, faults = _sessions(tiny, _tiny_session, 1e-4, direction, 20)
    assert (right, lost) == (SESSIONS, 0)
    assert faults > 0


@needs_compiler
@pytest.mark.parametrize("direction", ["to_board", "from_board"])
def test_corrupt_1e4_in_long_transfers_is_mended_by_retries(
    wide: list[Board], direction: Direction
) -> None:
    right, lost, faults = _sessions(wide, _wide_session, 1e-4, direction, 20)
    assert (right, lost) == (SESSIONS, 0)
    assert faults > SESSIONS  # several a session


@needs_compiler
@pytest.mark.parametrize("direction", ["to_board", "from_board", "both"])
def test_corrupt_1e2_is_right_or_link(tiny: list[Board], direction: Direction) -> None:
    right, lost, faults = _sessions(tiny, _tiny_session, 1e-2, direction, 1.5)
    assert right + lost == SESSIONS
    assert right > SESSIONS // 2
    assert faults > SESSIONS


@needs_compiler
def test_corrupt_1e1_is_right_or_link(tiny: list[Board]) -> None:
    """So bad that most sessions are lost: each ends as LINK, and on time."""
    transport = FaultyTransport(
        tiny[0].connect(Deadline.after(5)), seed=1, rate=0.3, direction="from_board"
    )
    started = time.monotonic()
    with pytest.raises(LinkFailure, match="before the deadline"):
        _tiny_session(Client(transport), 1, Deadline.after(0.5))
    transport.close()
    assert time.monotonic() - started < 1.5


def test_corrupt_bytes_depend_on_seed_and_place_only() -> None:
    data = random.Random(0).randbytes(20_000)
    whole = ByteFaults(7, 0.01).apply(data)
    cut = ByteFaults(7, 0.01)
    pieces, at = b"", 0
    while at < len(data):
        step = 1 + at % 97
        pieces += cut.apply(data[at : at + step])
        at += step
    assert pieces == whole
    assert whole != data
    assert ByteFaults(8, 0.01).apply(data) != whole
    assert ByteFaults(7, 0).apply(data) == data


def test_corrupt_rate_is_what_was_asked_for() -> None:
    faults = ByteFaults(3, 0.01)
    faults.apply(bytes(200_000))
    # Binomial: mean 2,000, standard deviation 44.5.
    assert abs(faults.faults - 2000) < 5 * 44.5

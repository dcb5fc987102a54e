"""Sessions with the real firmware over a link that damages bytes: right by retries, or LINK; never wrong or late."""

import math
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
from host.errors import BadInput, HostFailure, LinkFailure
from host.link.client import Client
from host.link.faults import ByteFaults, Direction, Faults, FaultyTransport, parse_faults
from host.link.frames import Frame, FrameType, data_payload, encode
from host.link.messages import Mode, Stages, What
from host.link.testing_firmware import (
    WIDE_BYTES,
    build_firmware,
    can_build,
    tiny_output,
    wide_output,
)

SESSIONS = 200
BUSY = 30.0  # seconds that a machine with much else to do may take besides
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
    """(right, LINK, bytes damaged) of 200 sessions; none may take longer than its deadline.

    One whose time was over before the line had cost any, on a computer that did not run us, is HOST: it counts as lost.
    """

    def one(seed: int) -> tuple[bool, int]:
        board = idle.get()
        transport = FaultyTransport(
            board.connect(Deadline.after(5)), seed=seed, rate=rate, direction=direction
        )
        started = time.monotonic()
        right = True
        try:
            session(Client(transport, generator=transport.generator), seed, Deadline.after(seconds))
        except LinkFailure as failure:
            told = failure.evidence + failure.what
            assert any(word in told for word in ("attempts", "unsent", "could be asked"))
            right = False
        except HostFailure as failure:
            assert "time that was given" in failure.what or "did not run us" in failure.what  # noqa: PT017
            right = False
        finally:
            transport.close()
            idle.put(board)
        assert time.monotonic() - started < seconds + BUSY
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
    assert time.monotonic() - started < 0.5 + BUSY


def _frames(seed: int, count: int) -> list[bytes]:
    """Frames of every kind with a few bytes between some of them."""
    draw = random.Random(seed)
    stream = []
    for number in range(count):
        kind = FrameType(draw.randrange(1, 7))
        payload = data_payload(8 * number, 10**6, draw.randbytes(draw.randrange(1, 200)))
        frame = Frame(kind, number, draw.randrange(20), payload[:4] if kind == 4 else payload)
        stream.append(draw.choice([b"", b"\0", b"text\n"]) + encode(frame))
    return stream


def test_corrupt_bytes_do_not_depend_on_how_the_stream_is_cut() -> None:
    data = b"".join(_frames(0, 200)) + bytes(50) + b"noise" * 1000 + encode(Frame(5, 0, 0, b"end"))
    whole = ByteFaults(7, "to_board", 0.01).apply(data)
    cut = ByteFaults(7, "to_board", 0.01)
    pieces, at = b"", 0
    while at < len(data):
        step = 1 + at % 97
        pieces += cut.apply(data[at : at + step])
        at += step
    assert pieces == whole
    assert len(whole) > len(data) * 0.9
    assert whole != data
    assert ByteFaults(8, "to_board", 0.01).apply(data) != whole
    assert ByteFaults(7, "from_board", 0.01).apply(data) != whole
    assert ByteFaults(7, "to_board", 0).apply(data) == data


def test_corrupt_bytes_of_a_frame_depend_on_what_it_is_and_how_often_it_came() -> None:
    """A frame that comes once more, or bytes between frames, move no fault of another one."""
    frames = [encode(Frame(FrameType.RESPONSE, n, n % 50, bytes(100))) for n in range(200)]
    alone = ByteFaults(7, "to_board", 0.01)
    damaged = [alone.apply(frame) for frame in frames]
    assert damaged[0] != damaged[50] or damaged[1] != damaged[51]  # the second time they came
    mixed = ByteFaults(7, "to_board", 0.01)
    draw = random.Random(1)
    for number, frame in enumerate(frames):
        mixed.apply(draw.choice([b"", b"noise\n", bytes(3)]))
        late = Frame(FrameType.RESPONSE, 1000 + number, 100 + number // 2, bytes(9))
        mixed.apply(encode(late) if draw.random() < 0.5 else b"")
        # All but the header, and the delimiter that may be that of the noise before it.
        assert mixed.apply(frame)[-100:] == damaged[number][-100:]


def test_corrupt_rate_is_what_was_asked_for() -> None:
    faults = ByteFaults(3, "to_board", 0.01)
    data = b"".join(_frames(3, 2000))
    faults.apply(data)
    # Binomial: variance is mean times 0.99.
    mean = len(data) * 0.01
    assert abs(faults.faults - mean) < 5 * math.sqrt(mean)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("seed=7,rate=1e-3", Faults(7, 1e-3, "both")),
        ("seed=0,rate=0", Faults(0, 0.0, "both")),
        ("seed=12,rate=0.25,direction=to_board", Faults(12, 0.25, "to_board")),
    ],
)
def test_faults_are_parsed(text: str, want: Faults) -> None:
    assert parse_faults(text) == want


NO_FAULTS = (
    *("", "seed=7", "rate=0.1", "rate=0.1,seed=7", "seed=7,rate=1", "seed=7,rate=1e5"),
    *("seed=7,rate=nan", "seed=7,rate=0.1,", "seed=7 ,rate=0.1", "seed=7,rate=0.1,direction=up"),
    *("seed=1.5,rate=0.1", "seed=-1,rate=0", "seed=\u0667,rate=0.1", "seed=7,rate=0.1\n"),
    "seed=" + "9" * 5000 + ",rate=0.1",
)


@pytest.mark.parametrize("text", NO_FAULTS)
def test_what_is_no_faults_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="seed=N,rate=R") as caught:
        parse_faults(text)
    assert "Received: " in caught.value.evidence

"""Samples streamed to the real firmware, over good and bad links: every chunk right or a failure, never a wrong one."""

import random
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest

from host.boards import open_board
from host.boards.base import Board
from host.deadline import Deadline
from host.errors import LinkFailure
from host.link.client import Client
from host.link.exchange import Refused
from host.link.faults import Direction, FaultyTransport, FrameFaults
from host.link.messages import ErrorCode, Mode, Stages, What
from host.link.testing_firmware import (
    WIDE_BYTES,
    WIDE_HOP,
    build_firmware,
    can_build,
    tiny_output,
    wide_output,
)
from host.link.transport import Transport

pytestmark = pytest.mark.skipif(not can_build("native"), reason="gcc is not installed")
Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Firmware:
    """One that streams: samples of a chunk, and the features and outputs that it makes of one."""

    name: str
    chunk: int
    features: Callable[[Samples], bytes]
    output: Callable[[Samples], bytes]


def tiny_features(chunk: Samples) -> bytes:
    return bytes((chunk.reshape(8, 4).sum(axis=1) / 32768).astype("<f4").tobytes())


def tiny_scores(chunk: Samples) -> bytes:
    sums = bytes(int(value) & 0xFF for value in chunk.reshape(8, 4).sum(axis=1))
    return tiny_output(2 * sums, bytes(5))


CHUNK = WIDE_BYTES // 2  # samples
WIDE = Firmware(
    "wide", CHUNK, lambda chunk: chunk.tobytes(), lambda chunk: wide_output(chunk.tobytes())
)
TINY = Firmware("tiny", 32, tiny_features, tiny_scores)


def opened(firmware: Firmware, root: Path) -> Iterator[Board]:
    with open_board("native", root=root) as board:
        board.flash(build_firmware(firmware.name, "native"), soon())
        yield board


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    yield from opened(WIDE, tmp_path_factory.mktemp("wide"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    yield from opened(TINY, tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def client(board: Board) -> Iterator[Client]:
    transport = board.connect(soon())
    made = Client(transport)
    made.hello(soon())
    yield made
    transport.close()


def soon(seconds: float = 20) -> Deadline:
    return Deadline.after(seconds)


def recording(seed: int, count: int) -> Samples:
    generator = np.random.default_rng(seed)
    # Multiples of 4, so that no sum looks to the tiny model like the command to misbehave, 0x5A.
    return (4 * generator.integers(-2048, 2048, count)).astype(np.int16)


def stream(
    client: Client, firmware: Firmware, seed: int, chunks: int, stride: int, deadline: Deadline
) -> None:
    """Send chunks in blocks of random sizes; raises AssertionError for a wrong digest."""
    generator = random.Random(seed)
    samples = recording(seed, firmware.chunk + (chunks - 1) * stride)
    client.hello(deadline)
    place = 0
    for number in range(chunks):
        end = firmware.chunk + number * stride
        while place < end:
            size = generator.randint(1, end - place)
            block = samples[place : place + size]
            if place == 0:
                client.start_stream(stride, block, deadline)
            else:
                client.continue_stream(block, deadline)
            place += size
        result = client.run(Stages.BOTH, times=2, mode=Mode.TAPPED, deadline=deadline)
        chunk = samples[end - firmware.chunk : end]
        digests = client.digests(deadline)
        assert digests.features == zlib.crc32(firmware.features(chunk))
        assert digests.taps[-1] == zlib.crc32(firmware.output(chunk))
        assert (result.differing, result.output) == (0, digests.output)


@pytest.mark.parametrize("stride", [WIDE_HOP, 2500, CHUNK])
def test_chunks_of_a_stream_are_those_of_the_recording(client: Client, stride: int) -> None:
    stream(client, WIDE, stride, 5, stride, soon())
    assert client.stats.crc_errors == client.stats.gaps == 0  # a busy computer may be asked again


def test_what_cannot_be_streamed_is_refused(client: Client) -> None:
    samples = recording(1, CHUNK + 8)
    with pytest.raises(Refused, match="no stream") as failure:
        client.continue_stream(samples[:8], soon())
    assert failure.value.response.code == ErrorCode.NO_STREAM
    with pytest.raises(Refused, match="bad argument"):
        client.start_stream(WIDE_HOP + 1, samples[:8], soon())
    with pytest.raises(Refused, match="bad argument"):
        client.start_stream(8, samples, soon())  # 8 samples more than a chunk
    client.start_stream(8, samples[:CHUNK], soon())
    with pytest.raises(Refused, match="bad argument"):
        client.continue_stream(samples[CHUNK:], soon())  # it must be run first
    client.run(Stages.BOTH, deadline=soon())
    client.continue_stream(samples[CHUNK:], soon())
    client.run(Stages.BOTH, deadline=soon())
    assert client.read(What.INPUT, 0, 0, WIDE_BYTES, soon()) == samples[8:].tobytes()
    client.load_chunk(samples[:CHUNK], soon())
    with pytest.raises(Refused, match="no stream"):
        client.continue_stream(samples[:8], soon())
    with pytest.raises(ValueError, match="int16"):
        client.start_stream(8, samples.astype(np.int32), soon())


def test_a_stream_does_not_outlive_its_session(board: Board) -> None:
    samples = recording(2, CHUNK + 8)
    for number in range(2):
        transport = board.connect(soon())
        client = Client(transport)
        client.hello(soon())
        if number:
            client._streamed = CHUNK
            with pytest.raises(Refused, match="no stream"):
                client.continue_stream(samples[CHUNK:], soon())
        else:
            client.start_stream(8, samples[:CHUNK], soon())
            client.run(Stages.BOTH, deadline=soon())
        transport.close()


def test_a_block_that_passes_every_frame_and_is_wrong_is_the_links(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = recording(3, CHUNK + 8)
    client.start_stream(8, samples[:CHUNK], soon())
    client.run(Stages.BOTH, deadline=soon())
    monkeypatch.setattr("host.link.upload.zlib", SimpleNamespace(crc32=lambda data: 1))
    with pytest.raises(LinkFailure, match="the stream is lost"):
        client.continue_stream(samples[CHUNK:], soon())
    monkeypatch.undo()
    with pytest.raises(Refused, match="RUN: nothing loaded"):
        client.run(Stages.BOTH, deadline=soon())
    client.start_stream(8, samples[:CHUNK], soon())
    client.run(Stages.BOTH, deadline=soon())


Wrap = Callable[[Transport, int], FaultyTransport | FrameFaults]


def sessions(
    board: Board,
    count: int,
    seconds: float,
    wrap: Wrap,
    *,
    firmware: Firmware = WIDE,
) -> int:
    """How many of `count` streams over a damaged link were right; the others ended as LINK."""
    right = faults = 0
    for seed in range(count):
        transport = wrap(board.connect(soon()), seed)
        with suppress(LinkFailure):
            stream(Client(transport), firmware, seed, 4, firmware.chunk // 4, soon(seconds))
            right += 1
        faults += transport.faults
        transport.close()
    assert faults > 0
    return right


@pytest.mark.parametrize("direction", ["to_board", "from_board", "both"])
def test_corrupt_1e4_is_mended(board: Board, direction: Direction) -> None:
    def wrap(transport: Transport, seed: int) -> FaultyTransport:
        return FaultyTransport(transport, seed=seed, rate=1e-4, direction=direction)

    assert sessions(board, 40, 20, wrap) == 40


def test_corrupt_1e2_is_right_or_link(tiny: Board) -> None:
    def wrap(transport: Transport, seed: int) -> FaultyTransport:
        return FaultyTransport(transport, seed=seed, rate=1e-2)

    assert sessions(tiny, 20, 3.0, wrap, firmware=TINY) > 10


def test_lost_and_doubled_frames_are_mended(board: Board) -> None:
    def wrap(transport: Transport, seed: int) -> FrameFaults:
        return FrameFaults(transport, seed=seed, rate=0.05, late=False)

    assert sessions(board, 40, 20, wrap) == 40


def test_frames_that_come_again_later_are_never_taken_for_samples(board: Board) -> None:
    def wrap(transport: Transport, seed: int) -> FrameFaults:
        return FrameFaults(transport, seed=seed, rate=0.05, late=True)

    assert sessions(board, 40, 20, wrap) == 40

"""Damage that is always the same, told from a link's: the firmware's each time, a link's never."""

import random
import zlib
from collections.abc import Callable
from dataclasses import replace

import cbor2
import pytest
from cobs import cobs

from host.deadline import Deadline
from host.errors import FirmwareFailure, LinkFailure
from host.link.client import Client
from host.link.damage import CERTAIN, ENOUGH, SameDamage
from host.link.faults import damage
from host.link.frames import (
    Broken,
    Frame,
    FrameType,
    StreamDecoder,
    data_payload,
    decode_block,
    encode,
)
from host.link.messages import PROTOCOL, What

Answer = Callable[[int, Frame], bytes]  # of how many requests came before, and this one


def wrong_crc(frame: Frame) -> bytes:
    """As firmware with a damaged table writes it: well formed, but with another CRC."""
    body = cobs.decode(encode(frame)[1:-1])[:-4]
    crc = zlib.crc32(body[::-1])
    return bytes(b"\0" + cobs.encode(body + crc.to_bytes(4, "little")) + b"\0")


def hello(number: int, request: Frame) -> Frame:
    """The answer to HELLO of a board that has sent `number` frames."""
    message = [0, PROTOCOL, cbor2.loads(request.payload)[1], 7, bytes(20), 1, bytes(32), bytes(32)]
    message += ["board", "gcc", "tiny", "", "none", 0, 0, 0, 1, 1, 1, 1, b"", [], 0, 0]
    return Frame(FrameType.RESPONSE, number, request.request, cbor2.dumps(message))


class Board:
    """A transport to a board that answers each request at once, by `answer`."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests = 0
        self._waiting = b""

    def write(self, data: bytes, deadline: Deadline) -> None:
        frame = decode_block(data.strip(b"\0"))
        assert frame is not None
        self._waiting += self.answer(self.requests, frame)
        self.requests += 1

    def read(self, deadline: Deadline) -> bytes:
        data, self._waiting = self._waiting, b""
        return data

    def close(self) -> None:
        pass


def soon(seconds: float = 5) -> Deadline:
    return Deadline.after(seconds)


def test_the_same_damage_each_time_is_the_firmwares_at_once() -> None:
    board = Board(lambda number, request: wrong_crc(hello(number, request)))
    with pytest.raises(FirmwareFailure, match="HELLO are well formed but for their CRC"):
        Client(board).hello(soon())
    assert board.requests == CERTAIN


@pytest.mark.parametrize("tries", range(1, ENOUGH + 2))
def test_at_the_deadline_fewer_tries_are_enough(tries: int) -> None:
    def answer(number: int, request: Frame) -> bytes:
        return wrong_crc(hello(number, request)) if number < tries else b""

    kind = FirmwareFailure if tries >= ENOUGH else LinkFailure
    with pytest.raises(kind) as failure:
        Client(Board(answer)).hello(soon(0.2))
    assert type(failure.value) is kind


def garbled(number: int, request: Frame) -> bytes:
    """Another byte of the message is wrong each time."""
    good = hello(number, request)
    payload = bytearray(good.payload)
    payload[10 + number % 20] ^= 0x40
    return wrong_crc(replace(good, payload=bytes(payload)))


def copied(number: int, request: Frame) -> bytes:
    """The first answer, over and over: the link repeats it, the firmware would have counted on."""
    return wrong_crc(hello(0, request))


def broken(number: int, request: Frame) -> bytes:
    """Once in a while a block that is no frame at all."""
    return wrong_crc(hello(number, request)) if number % 5 else b"\0\xff\xfe\xfd\0"


@pytest.mark.parametrize("answer", [garbled, copied, broken])
def test_other_damage_is_the_links(answer: Answer) -> None:
    with pytest.raises(LinkFailure, match="lost or damaged"):
        Client(Board(answer)).hello(soon(0.2))


def greeted(answer: Answer) -> tuple[Client, Board]:
    board = Board(lambda number, request: encode(hello(number, request)))
    client = Client(board)
    client.hello(soon())
    board.answer = answer
    return client, board


def test_reads_in_smaller_and_smaller_pieces_are_compared() -> None:
    tensor = random.Random(1).randbytes(4000)

    def answer(number: int, request: Frame) -> bytes:
        _, _, _, _, offset, length = cbor2.loads(request.payload)
        payload = data_payload(offset, len(tensor), tensor[offset : offset + length])
        return wrong_crc(Frame(FrameType.DATA, number, request.request, payload))

    client, board = greeted(answer)
    with pytest.raises(FirmwareFailure, match="READ are well formed but for their CRC"):
        client.read(What.TAP, 0, 0, len(tensor), soon())
    assert board.requests < 200


def test_credits_are_compared() -> None:
    def answer(number: int, request: Frame) -> bytes:
        return wrong_crc(Frame(FrameType.CREDIT, number, request.request, bytes(4)))

    client, board = greeted(answer)
    with pytest.raises(FirmwareFailure, match="LOAD are well formed but for their CRC"):
        client.load_input(0, bytes(100), soon())
    assert board.requests == CERTAIN + 1


def test_a_link_never_damages_so() -> None:
    """Short answers, whose CRC is hit most often alone, over a link of 1e-2 faults a byte.

    How often a try is whole but for its CRC bounds how often all of them are, in 100,000 sessions
    of 100 questions.
    """
    alike = tries = 0
    for question in range(8000):
        same, sequence, good = SameDamage(), 3 * question, False
        payload = random.Random(question).randbytes(9)
        while not good:
            sequence = (sequence + 1) % 65536
            wire = encode(Frame(FrameType.RESPONSE, sequence, 7, payload))
            got, _ = damage(wire, f"{question} {sequence}", 1e-2)
            tries += 1
            for item in StreamDecoder().feed(got + b"\0"):
                good = good or isinstance(item, Frame)
                if isinstance(item, Broken):
                    same.saw(item.frame)
                    whole = item.frame is not None and item.frame.payload == payload
                    alike += whole
        assert same.tries < CERTAIN
    assert 0.001 < alike / tries < 0.04
    assert 100_000 * 100 * 0.04**CERTAIN < 1e-4

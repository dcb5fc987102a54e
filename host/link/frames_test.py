"""The frame codec: round trips, damage, text between frames, and the vectors that the C decoder shares."""

import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.link.frames import (
    MAX_BLOCK,
    MAX_PIECE,
    Broken,
    Frame,
    FrameType,
    StreamDecoder,
    data_payload,
    decode_block,
    encode,
    parse_credit,
    parse_data,
    text_in,
)

frames = st.builds(
    Frame,
    type=st.integers(0, 255),
    sequence=st.integers(0, 0xFFFF),
    request=st.integers(0, 0xFFFF),
    payload=st.one_of(
        st.binary(max_size=300),
        st.builds(lambda b, n: bytes([b]) * n, st.integers(0, 255), st.integers(0, 1032)),
    ),
)


def naive_cobs(data: bytes) -> bytes:
    """COBS as its definition says: each run up to a zero, or of 254 bytes, behind its length plus one."""
    out = bytearray()
    run = bytearray()
    for byte in data:
        if byte:
            run.append(byte)
            if len(run) == 254:
                out += b"\xff" + run
                run.clear()
        else:
            out += bytes([len(run) + 1]) + run
            run.clear()
    # A full run at the very end needs no empty one behind it.
    if run or not data or data[-1] == 0:
        out += bytes([len(run) + 1]) + run
    elif not out:
        out += b"\x01"
    return bytes(out)


def naive_crc32(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@given(frames)
def test_frame_is_what_the_definition_says(frame: Frame) -> None:
    body = bytes([frame.version, frame.type])
    body += frame.sequence.to_bytes(2, "little") + frame.request.to_bytes(2, "little")
    body += frame.payload
    wire = encode(frame)
    assert wire[0] == wire[-1] == 0
    assert 0 not in wire[1:-1]
    assert wire[1:-1] == naive_cobs(body + naive_crc32(body).to_bytes(4, "little"))
    assert decode_block(wire[1:-1]) == frame


@settings(max_examples=50)
@given(st.lists(frames, max_size=8), st.integers(1, 50))
def test_frames_survive_any_cut(sent: list[Frame], step: int) -> None:
    stream = b"".join(encode(frame) for frame in sent)
    decoder = StreamDecoder()
    got = []
    for at in range(0, len(stream), step):
        got += decoder.feed(stream[at : at + step])
    assert got == sent
    assert (decoder.framed, decoder.noise_bytes) == (len(stream), 0)


def test_damage_costs_frames_and_never_makes_a_wrong_one() -> None:
    """A fifth of 4,000 frames hit: bits, drops, doubles, cuts and bursts."""
    generator = random.Random(1)
    sent = [
        Frame(3, i & 0xFFFF, 7, generator.randbytes(generator.randrange(60))) for i in range(4000)
    ]
    stream = bytearray()
    hit = 0
    for frame in sent:
        wire = bytearray(encode(frame))
        if generator.random() < 0.2:
            hit += 1
            place = generator.randrange(len(wire))
            kind = generator.randrange(5)
            if kind == 0:
                wire[place] ^= 1 << generator.randrange(8)
            elif kind == 1:
                del wire[place]
            elif kind == 2:
                wire.insert(place, wire[place])
            elif kind == 3:
                del wire[place:]
            else:
                wire[place : place + 8] = generator.randbytes(8)
        stream += wire
    items = StreamDecoder().feed(bytes(stream))
    got = [item for item in items if isinstance(item, Frame)]
    # A doubled delimiter damages nothing, so some of those that were hit arrive.
    assert len(sent) - hit <= len(got) < len(sent)
    assert all(frame == sent[frame.sequence] for frame in got)
    assert [frame.sequence for frame in got] == sorted({frame.sequence for frame in got})
    # What was hit shows in its place.
    assert 0.5 * hit < len(items) - len(got) < 2 * hit


@given(frames, st.integers(1, 2**32 - 1))
def test_a_frame_whose_crc_alone_is_wrong_can_still_be_read(frame: Frame, flips: int) -> None:
    body = bytes([frame.version, frame.type])
    body += frame.sequence.to_bytes(2, "little") + frame.request.to_bytes(2, "little")
    body += frame.payload
    block = naive_cobs(body + (naive_crc32(body) ^ flips).to_bytes(4, "little"))
    assert decode_block(block) is None
    decoder = StreamDecoder()
    got = decoder.feed(b"\0" + block + b"\0")
    if frame.type in set(FrameType):
        # Even where nearly all of it could be text.
        assert got == [Broken(frame)]
        assert decoder.legible == len(block) + 2
    else:
        assert got in ([Broken(None)], [])
    assert decoder.framed == 0


def test_text_between_frames_is_kept_and_is_no_damage() -> None:
    decoder = StreamDecoder()
    frame = Frame(FrameType.RESPONSE, 1, 2, b"payload")
    got = decoder.feed(b"ROM says hello\r\n" + encode(frame) + b"panic: 42")
    assert got == [frame]
    assert bytes(decoder.noise) == b"ROM says hello\r\n"
    assert decoder.partial == b"panic: 42"
    assert (decoder.framed, decoder.noise_bytes) == (len(encode(frame)), 16)


def test_endless_noise_is_bounded_and_the_next_frame_is_found() -> None:
    decoder = StreamDecoder()
    noise = b"\xee" * (10 * MAX_BLOCK)
    assert decoder.feed(noise) == []
    assert len(decoder.partial) <= MAX_BLOCK
    frame = Frame(FrameType.DATA, 0, 1, b"x" * 1032)
    assert decoder.feed(encode(frame)) == [Broken(None), frame]
    assert decoder.noise_bytes == len(noise)
    assert len(decoder.noise) == 4096


def test_largest_frame_fits_a_packet() -> None:
    payload = data_payload(0, MAX_PIECE, bytes(range(1, 256)) * 5)[: 8 + MAX_PIECE]
    wire = encode(Frame(FrameType.DATA, 0xFFFF, 0xFFFF, payload))
    assert len(wire) <= MAX_BLOCK + 2 <= 1500
    assert StreamDecoder().feed(wire) == [Frame(FrameType.DATA, 0xFFFF, 0xFFFF, payload)]


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.binary(max_size=1100))
def test_data_payload(offset: int, total: int, piece: bytes) -> None:
    parsed = parse_data(data_payload(offset, total, piece))
    fits = offset + len(piece) <= total and len(piece) <= MAX_PIECE
    assert parsed == ((offset, total, piece) if fits else None)


@pytest.mark.parametrize("payload", [b"", b"abc", b"abcde"])
def test_credit_of_another_length_is_none(payload: bytes) -> None:
    assert parse_credit(payload) is None


def test_credit() -> None:
    assert parse_credit((513).to_bytes(4, "little")) == 513


@given(st.binary(max_size=64))
def test_any_block_decodes_or_is_refused(block: bytes) -> None:
    frame = decode_block(block)
    if frame is not None:
        assert zlib.crc32(encode(frame)) == zlib.crc32(b"\0" + block + b"\0")


def test_shared_vectors_with_the_firmware() -> None:
    """A HELLO request, spelled out: version 4, type 1, sequence 2, request 3, [0, 5]."""
    body = bytes.fromhex("04 01 0200 0300 82 00 05")
    wire = encode(Frame(FrameType.REQUEST, 2, 3, bytes.fromhex("820005")))
    assert wire == b"\0" + naive_cobs(body + naive_crc32(body).to_bytes(4, "little")) + b"\0"
    assert wire[:8].hex(" ") == "00 04 04 01 02 02 03 02"
    assert naive_crc32(b"123456789") == 0xCBF43926


def test_text_among_noise_is_quoted_and_nothing_else() -> None:
    assert (
        text_in(b"\x01\x02boot rom 1.2\r\nPC 0x800\xff\xfe:Q=4xb\x03") == "boot rom 1.2 | PC 0x800"
    )
    assert text_in(bytes(range(32))) == ""
    assert text_in(b"x" * 1000) == "x" * 200

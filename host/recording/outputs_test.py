"""Outputs told by a recording's frames, against what a board in Python was told to answer."""

import random
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest

from host.errors import BadInput
from host.link.frames import Frame, FrameType, encode
from host.recording import archive
from host.recording.outputs import told
from host.recording.recording import Recording
from host.recording.records import Kind, Stream
from host.recording.testing_board import Board, record

SIZE = 2500  # three pieces


def _output(inputs: tuple[bytes, ...], runs: int) -> bytes:
    return random.Random(b"".join(inputs)).randbytes(SIZE)


VECTORS = [(b"one", b"two"), (b"three", b"two"), (b"one", b"two")]


def test_every_output_with_its_inputs(tmp_path: Path) -> None:
    file = tmp_path / "s.njs"
    file.write_bytes(record(Board(b"model", _output), VECTORS, SIZE).to_bytes())
    found = told(Recording.read(file))
    (hello,) = found.hellos
    assert (hello.backend, hello.board) == ("neural_art", "stm32n6570-dk")
    assert [run.inputs for run in found.runs] == [tuple(map(crc32, one)) for one in VECTORS]
    assert [run.output for run in found.runs] == [_output(one, 0) for one in VECTORS]
    assert all(run.steady for run in found.runs)


def test_readings_that_differ_and_runs_that_differ_are_not_steady() -> None:
    def drifting(inputs: tuple[bytes, ...], runs: int) -> bytes:
        return bytes([runs]) * SIZE

    for board in (Board(b"model", drifting), Board(b"model", _output, differing=1)):
        assert not any(run.steady for run in told(record(board, VECTORS[:2], SIZE)).runs)


def test_an_output_that_was_not_read_whole_is_none() -> None:
    board = Board(b"model", _output)
    recording = record(board, VECTORS[:1], SIZE - 1)
    assert told(recording).runs == ()


def test_frames_of_no_session_are_refused() -> None:
    board = Board(b"model", _output)
    recording = record(board, VECTORS[:1], SIZE)
    stream = Stream()
    stream.put(Kind.SENT, 0, 0, encode(Frame(FrameType.REQUEST, 0, 1, b"\xff\xff")))
    for data in (bytes(stream), recording.members[archive.FRAMES] + b"\x09"):
        members = {**recording.members, archive.FRAMES: data}
        with pytest.raises(BadInput, match="frames of a session"):
            told(replace(recording, members=members))

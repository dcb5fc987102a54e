"""The stream of a recording: what is written is read, and what is cut or damaged is refused or shorter, never other."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.recording.records import MOST_RECORD, Kind, Record, Stream, records

NUMBERS = st.integers(0, 1 << 40)


@st.composite
def some(draw: st.DrawFn) -> list[Record]:
    at, made = 0, []
    for kind in draw(st.lists(st.sampled_from(Kind), max_size=8)):
        at += draw(NUMBERS)
        line = draw(NUMBERS) if kind in (Kind.SENT, Kind.CAME, Kind.SILENCE) else 0
        data = b"" if kind in (Kind.CLOCK, Kind.SILENCE) else draw(st.binary(max_size=200))
        made.append(Record(kind, at, line, data))
    return made


def written(made: list[Record]) -> bytes:
    stream = Stream()
    for record in made:
        stream.put(record.kind, record.at, record.line, record.data)
    assert stream.count == len(made)
    return bytes(stream)


@given(some())
def test_what_is_written_is_read(made: list[Record]) -> None:
    assert list(records(written(made))) == made


@given(some(), st.data())
def test_a_stream_that_is_cut_gives_its_first_records_at_most(
    made: list[Record], data: st.DataObject
) -> None:
    whole = written(made)
    read = []
    with contextlib.suppress(ValueError):
        for record in records(whole[: data.draw(st.integers(0, len(whole)))]):
            read.append(record)
    assert read == made[: len(read)]


@given(st.binary(max_size=64))
def test_any_bytes_are_records_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        list(records(data))


def test_the_bytes_of_a_known_stream() -> None:
    """As docs/recordings.md says."""
    made = [
        Record(Kind.CLOCK, 5),
        Record(Kind.SENT, 5 + 300, 0, b"ab"),
        Record(Kind.SILENCE, 305, 1),
        Record(Kind.NOTE, 306, 0, b"{}"),
    ]
    assert (
        written(made)
        == b"\x00\x05" + b"\x01\xac\x02\x00\x02ab" + b"\x03\x00\x01" + b"\x04\x01\x02{}"
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x05\x00", "5 is not a valid Kind"),
        (b"\x00", "ends within the record at byte 0"),
        (b"\x00" + b"\x80" * 9 + b"\x01", "a number of more than 9 bytes"),
        (b"\x02\x00\x00\x05abcd", "a record of 5 bytes"),
        (written([Record(Kind.CAME, 0, 0, bytes(MOST_RECORD + 1))]), "a record of 4,194,305 bytes"),
    ],
)
def test_damage_is_named(data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        list(records(data))


def test_a_stream_has_a_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.recording.records.MOST_RECORDS", 3)
    assert len(list(records(bytes(6)))) == 3
    with pytest.raises(ValueError, match="more than 3 records"):
        list(records(bytes(8)))

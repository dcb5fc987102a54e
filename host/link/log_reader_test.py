"""Everything a board says is shown once, in its order."""

from hypothesis import given
from hypothesis import strategies as st

from host.link.frames import Frame, FrameType, encode
from host.link.log_reader import LogReader, Said


def log(text: str) -> bytes:
    return encode(Frame(FrameType.LOG, 0, 0, text.encode()))


def test_frames_and_foreign_bytes_come_in_order() -> None:
    reader = LogReader()
    answer = encode(Frame(FrameType.RESPONSE, 1, 1, b"x"))
    said = reader.feed(b"boot\r\n" + log("ready") + answer + b"ouch" + log("again"))
    assert said == [
        Said("boot\r\n", frame=False),
        Said("ready", frame=True),
        Said("ouch", frame=False),
        Said("again", frame=True),
    ]


def test_text_without_a_delimiter_is_shown_when_the_line_is_silent_and_once() -> None:
    reader = LogReader()
    assert reader.feed(b"hello ") == []
    assert reader.idle() == [Said("hello ", frame=False)]
    assert reader.idle() == []
    assert reader.feed(b"world\0") == [Said("world", frame=False)]
    assert reader.feed(b"next\0") == [Said("next", frame=False)]


@given(st.binary(max_size=6000).map(lambda data: data.replace(b"\0", b"a")), st.integers(1, 700))
def test_no_foreign_byte_is_lost_or_said_twice(data: bytes, step: int) -> None:
    reader, said = LogReader(), []
    for start in range(0, len(data), step):
        said += reader.feed(data[start : start + step])
        if start % 3 == 0:
            said += reader.idle()
    said += reader.idle()
    # Text is cut anywhere, and so are its characters: compare where each byte is one.
    if data.isascii():
        assert "".join(one.text for one in said) == data.decode()

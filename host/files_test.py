"""Files are whole or absent wherever a signal ends the writing."""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from host.files import write_atomically


def interrupted_at(number: int, path: Path) -> bool:
    """Write, with a KeyboardInterrupt before instruction `number` of `write_atomically`; whether it came that far."""
    left = number

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code is not write_atomically.__code__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        write_atomically(path, b"new")
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_an_interrupt_before_any_instruction_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "result"
    number = 0
    found = set()
    while True:
        path.write_bytes(b"old")
        went_on = interrupted_at(number, path)
        assert list(tmp_path.iterdir()) == [path], f"instruction {number}"
        found.add(path.read_bytes())
        if not went_on:
            break
        number += 1
    assert number > 50
    assert found == {b"old", b"new"}


def test_a_file_of_another_writer_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda count: "0" * 2 * count)
    other = tmp_path / ".result.00000000"
    other.write_bytes(b"another's")
    with pytest.raises(FileExistsError):
        write_atomically(tmp_path / "result", b"new")
    assert [one.name for one in tmp_path.iterdir()] == [other.name]
    assert other.read_bytes() == b"another's"

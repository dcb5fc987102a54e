"""`nightjar board status` names what became of a kept board, at once."""

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host.boards import board_status, end_board, keep_board, open_board
from host.boards.process import FRONT, ended_within, marked
from host.boards.record import Record
from host.boards.virtual_n6.build import find
from host.cli import run
from host.deadline import Deadline
from host.link.testing_firmware import build_firmware, can_build

KINDS = ["native", "virtual", "n6-virtual"]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        yield Path(runtime)
        for name in KINDS:
            end_board(name)


def keep(kind: str) -> Record:
    """A kept board with a process; skips where its tools are missing."""
    if not can_build(kind if kind != "n6-virtual" else "virtual") or (
        kind == "n6-virtual" and find() is None
    ):
        pytest.skip("needs a compiler, or make n6-virtual")
    record = keep_board(kind)[0]
    if kind == "native":
        with open_board(kind) as board:
            board.flash(build_firmware("tiny", kind), Deadline.after(60))
        found = board_status(kind).record
        assert found is not None
        record = found
    assert record.process is not None
    return record


def status(kind: str, capsys: Captured) -> tuple[str, dict[str, Any]]:
    capsys.readouterr()
    assert run(["board", "status", kind]) == 0
    said = capsys.readouterr().out
    assert run(["board", "status", kind, "--json", "-"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said, answer


@pytest.mark.parametrize("kind", KINDS)
def test_a_board_that_was_killed_is_said_to_have_ended(
    home: Path, capsys: Captured, kind: str
) -> None:
    """And not to be lost or hidden, though what serves its port ends some seconds later."""
    process = keep(kind).process
    assert process is not None
    fronts = marked(home / "nightjar" / kind, FRONT)
    assert len(fronts) == (kind == "n6-virtual")
    os.kill(process.pid, signal.SIGKILL)
    assert ended_within(process.pid, Deadline.after(60))
    said, answer = status(kind, capsys)
    assert f"pid {process.pid}" in said
    assert "has ended" in said
    assert "lost" not in said
    assert "cannot be seen" not in said
    assert (answer["lost"], answer["unseen"], answer["ended"]) == ([], False, process.pid)
    assert run(["board", "down", kind]) == 0
    assert all(ended_within(front.pid, Deadline.after(0)) for front in fronts)
    assert "has ended" not in status(kind, capsys)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_one_is_started_in_its_place_without_a_wrong_word(
    home: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    process = keep(kind).process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    assert ended_within(process.pid, Deadline.after(60))
    keep_board(kind)
    assert "whose folder is gone" not in caplog.text
    assert len(marked(home / "nightjar" / kind, FRONT)) == (kind == "n6-virtual")

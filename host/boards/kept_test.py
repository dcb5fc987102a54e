"""Kept boards: what a record may say, what looking leaves alone, and boards whose folder is gone."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.boards import board_status, end_board, keep_board, open_board
from host.boards.folder import LOCK, kept_folder, make_kept_folder, private_folder
from host.boards.lock import MOST_BYTES
from host.boards.process import MARK, ProcessId, marked
from host.boards.record import Record, find_record
from host.deadline import Deadline
from host.errors import BoardFailure, BoardLocked
from host.link.testing_firmware import build_firmware, can_build
from host.locks import take

needs_compiler = pytest.mark.skipif(not can_build("native"), reason="gcc is not installed")


def soon(seconds: float = 10) -> Deadline:
    return Deadline.after(seconds)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    private = private_folder(tmp_path / "boards", make=True)
    yield private
    for name in ("virtual", "native"):
        end_board(name, root=private)


def _python(program: str, *arguments: str) -> "subprocess.Popen[str]":
    """Another process of this Python; its first line of output is read by the caller."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True
    )


_HOLD = """
import sys, time
from pathlib import Path
from host.boards.lock import board_lock
with board_lock(Path(sys.argv[1]), "virtual", 0):
    print("held", flush=True)
    time.sleep(60)
"""


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Everything in a folder, as it is."""
    return {
        path.relative_to(folder).as_posix(): (found.st_ino, found.st_size, found.st_mtime_ns)
        for path in (folder, *folder.rglob("*"))
        for found in [path.lstat()]
    }


def record(folder: Path, process: ProcessId | None) -> Record:
    return Record(folder, process, True, None, "2026-11-20T12:00:00+00:00", "x")


def gone() -> ProcessId:
    return ProcessId(os.getpid(), 1, 1, 1)


def test_looking_changes_nothing(root: Path) -> None:
    """A stale record stays until somebody starts or ends a board."""
    folder = make_kept_folder(root, "virtual")
    record(folder, gone()).save()
    (folder / LOCK).write_text("")
    (root / ".own-dead").mkdir()
    before = tree(root)
    status = board_status("virtual", root=root)
    assert (status.record, status.holder, status.lost) == (None, None, ())
    assert tree(root) == before
    assert not end_board("virtual", root=root)
    assert not folder.exists()


def test_looking_makes_nothing(tmp_path: Path) -> None:
    assert board_status("virtual", root=tmp_path / "boards").record is None
    assert not end_board("virtual", root=tmp_path / "boards")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_record_is_none(root: Path, tmp_path: Path) -> None:
    folder = make_kept_folder(root, "native")
    record(folder, None).save()
    file = folder / "record.json"
    right = json.loads(file.read_bytes())
    right["needs_process"] = False
    file.write_text(json.dumps(right))
    assert find_record(root, "native") is not None
    wrongs: tuple[Any, ...] = (
        *({"process": 7}, {"process": {}}, {"since": 1}, {"schema": "x"}, {"folder": "/"}),
    )
    for wrong in wrongs:
        file.write_text(json.dumps({**right, **wrong}))
        assert find_record(root, "native") is None
    for text in ("", "[]", "[" * 9999, json.dumps(right) + " " * MOST_BYTES, '{"a": NaN}'):
        file.write_text(text)
        assert find_record(root, "native") is None
    file.unlink()
    os.mkfifo(file)
    assert find_record(root, "native") is None
    file.unlink()
    (tmp_path / "elsewhere.json").write_text(json.dumps(right))
    (tmp_path / "elsewhere.json").chmod(0o600)
    file.symlink_to(tmp_path / "elsewhere.json")
    assert find_record(root, "native") is None


def test_a_record_that_others_may_write_is_none(root: Path) -> None:
    folder = make_kept_folder(root, "native")
    replace(record(folder, None), needs_process=False).save()
    file = folder / "record.json"
    assert find_record(root, "native") is not None
    file.chmod(0o644)
    assert find_record(root, "native") is None
    file.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(file, 12345, 12345)
        assert find_record(root, "native") is None


def test_a_process_that_a_record_names_wrongly_is_spared(root: Path) -> None:
    """A process of ours with the number and the start that the record says, and another program."""
    with subprocess.Popen(["sleep", "60"]) as innocent:
        process = ProcessId.of(innocent.pid)
        assert process is not None
        folder = make_kept_folder(root, "virtual")
        record(folder, replace(process, inode=process.inode + 1)).save()
        assert board_status("virtual", root=root).record is None
        assert not end_board("virtual", root=root)
        assert innocent.poll() is None
        innocent.kill()


@needs_compiler
def test_a_kept_board_whose_folder_was_cleaned_away_is_shown_and_ended(root: Path) -> None:
    elf = build_firmware("tiny", "native")
    for remove in (root, kept_folder(root, "native"), kept_folder(root, "native") / "record.json"):
        keep_board("native", root=root)
        with open_board("native", root=root) as board:
            board.flash(elf, soon())
        kept = board_status("native", root=root).record
        assert kept is not None
        assert kept.process is not None
        shutil.rmtree(remove) if remove.is_dir() else remove.unlink()
        status = board_status("native", root=root)
        assert (status.record, status.lost) == (None, (kept.process,))
        assert end_board("native", root=root)
        assert not kept.process.alive
        assert board_status("native", root=root).lost == ()
        assert not end_board("native", root=root)


@needs_compiler
def test_no_second_board_is_started_beside_a_lost_one(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep_board("native", root=root)
    with open_board("native", root=root) as board:
        board.flash(build_firmware("tiny", "native"), soon())
    kept = board_status("native", root=root).record
    assert kept is not None
    assert kept.process is not None
    shutil.rmtree(root)
    _, new = keep_board("native", root=root)
    assert new
    assert not kept.process.alive
    assert f"pid {kept.process.pid}" in caplog.text


def test_who_only_inherited_the_mark_is_no_board(tmp_path: Path) -> None:
    """A shell, say, that was started with the environment of a board."""
    folder = (tmp_path / "virtual").resolve()
    folder.mkdir()
    line = ["sleep", "60"]
    environment = {**os.environ, MARK: str(folder)}
    with (
        subprocess.Popen(line, env=environment, cwd=tmp_path) as elsewhere,
        subprocess.Popen(line, cwd=folder) as unmarked,
        subprocess.Popen(line, env=environment, cwd=folder) as board,
    ):
        try:
            assert [process.pid for process in marked(folder)] == [board.pid]
        finally:
            for process in (elsewhere, unmarked, board):
                process.kill()


def test_a_board_of_a_process_that_cannot_be_seen_is_left(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of another container over the same folder: its number says nothing here."""
    monkeypatch.setattr("host.boards._FREE", 0.2)
    folder = make_kept_folder(root, "virtual")
    record(folder, gone()).save()
    held = take(folder / LOCK, soon(1))
    assert held is not None
    try:
        assert board_status("virtual", root=root).unseen
        for change in (keep_board, end_board):
            with pytest.raises(BoardFailure, match="cannot be seen from here"):
                change("virtual", root=root)
        assert (folder / "record.json").exists()
    finally:
        os.close(held)


def test_a_kept_board_in_use_is_waited_for(root: Path) -> None:
    keep_board("native", root=root)
    holder = _python(_HOLD.replace('"virtual", 0', '"native", 0').replace("60", "1"), str(root))
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(BoardLocked), open_board("native", root=root):
        pass
    with open_board("native", root=root, wait=30) as board:
        assert board.kept
    holder.wait()
    holder.stdout.close()


def test_who_looks_takes_the_board_from_nobody(root: Path) -> None:
    """Looking takes the lock for a moment, in which nobody may be refused."""
    keep_board("native", root=root)
    ends = threading.Event()

    def look() -> None:
        while not ends.is_set():
            board_status("native", root=root)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(200):
            with open_board("native", root=root) as board:
                assert board.kept
    finally:
        ends.set()
        looking.join()

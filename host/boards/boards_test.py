"""Boards as processes: kept ones, own ones, locks, records, and what is left when somebody is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from host.boards import board_status, end_board, keep_board, open_board
from host.boards.folder import own_folder, private_folder
from host.boards.lock import board_lock, holder_of
from host.boards.native import NativeBoard
from host.boards.process import ProcessId, end, end_child, ended_within, spawn
from host.boards.record import find_record
from host.deadline import Deadline
from host.errors import (
    BadInput,
    BoardFailure,
    BoardLocked,
    FirmwareFailure,
    FlashFailure,
    HostFailure,
)
from host.link.client import Client
from host.link.testing_firmware import build_firmware, can_build
from host.testing_children import with_default_signals
from host.tools import check_version, find_tool

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
    command = with_default_signals([sys.executable, "-c", program, *arguments])
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


_HOLD = """
import sys, time
from pathlib import Path
from host.boards.lock import board_lock
with board_lock(Path(sys.argv[1]), "virtual", 0):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_board_has_one_user_who_is_named(root: Path) -> None:
    holder = _python(_HOLD, str(root))
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(BoardLocked, match="the board virtual is taken") as failure,
        board_lock(root, "virtual", 0),
    ):
        pass
    assert f"pid {holder.pid}" in failure.value.evidence
    assert "since 20" in failure.value.evidence
    assert failure.value.exit_code == 12
    assert (holder_of(root, "virtual") or {})["pid"] == holder.pid
    # The kernel frees it on kill -9.
    holder.kill()
    started = time.monotonic()
    with board_lock(root, "virtual", 90):
        assert time.monotonic() - started < 60
    holder.wait()
    holder.stdout.close()
    assert holder_of(root, "virtual") is None


def test_waiting_for_a_board_ends(root: Path) -> None:
    with board_lock(root, "virtual", 0):
        other = _python(_HOLD.replace('"virtual", 0', '"virtual", 0.3'), str(root))
        started = time.monotonic()
        assert other.wait(20) != 0
        assert time.monotonic() - started >= 0.3
        assert other.stdout is not None
        other.stdout.close()


def test_an_unknown_board_is_refused(root: Path) -> None:
    with pytest.raises(BadInput, match="virtual, native"), open_board("arduino", root=root):
        pass


def test_a_process_is_not_mistaken_for_another_of_its_number() -> None:
    me = ProcessId.of(os.getpid())
    assert me is not None
    assert me.alive
    for other in ({"started": me.started + 1}, {"inode": me.inode + 1}, {"device": me.device + 1}):
        assert not replace(me, **other).alive
    assert ProcessId.of(2**22 + 1) is None


def test_a_process_of_somebody_else_is_not_recognized() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can start one")
    with subprocess.Popen(["sleep", "60"], user=12345) as other:
        try:
            assert ProcessId.of(other.pid) is None
        finally:
            other.kill()


def test_only_the_process_that_is_recognized_is_ended() -> None:
    with subprocess.Popen(["sleep", "60"]) as innocent:
        process = ProcessId.of(innocent.pid)
        assert process is not None
        for other in ({"started": 1}, {"inode": 1}, {"device": 1}):
            end(replace(process, **other))
        assert innocent.poll() is None
        end(process)
        assert innocent.wait(5) == -signal.SIGTERM


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    child = spawn([sys.executable, "-c", program], tmp_path, kept=False)
    while not (tmp_path / "stderr").read_bytes():
        assert not ended_within(child.pid, Deadline.after(0.01))
    end_child(child)
    assert child.returncode == -signal.SIGKILL
    end_child(child)


def test_a_missing_tool_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostFailure, match="is not installed") as failure:
        find_tool("qemu-system-arm", "qemu-system-arm")
    assert failure.value.next_step == "apt-get install qemu-system-arm"


@pytest.mark.parametrize(
    ("says", "fits"),
    [
        ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)", True),
        ("QEMU emulator version 10.0.2", True),
        ("QEMU emulator version 7.1.0", False),
        ("QEMU emulator version 6.2.0 (Debian 1:6.2+dfsg-2ubuntu6)", False),
        ("no version at all", False),
    ],
)
def test_an_old_tool_is_refused(tmp_path: Path, says: str, fits: bool) -> None:
    tool = tmp_path / "tool"
    tool.write_text(f"#!/bin/sh\necho '{says}'\n")
    tool.chmod(0o755)
    if fits:
        check_version(str(tool), (7, 2), "tool", "because")
        return
    with pytest.raises(HostFailure, match=r"must be version 7\.2 or later: because"):
        check_version(str(tool), (7, 2), "tool", "because")


@needs_compiler
def test_native_is_kept_until_it_is_ended(root: Path) -> None:
    elf = build_firmware("tiny", "native")
    record, new = keep_board("native", root=root)
    assert new
    assert record.process is None
    assert keep_board("native", root=root) == (record, False)
    with open_board("native", root=root) as board:
        assert board.kept
        with pytest.raises(BoardFailure, match="runs no firmware"):
            board.connect(soon())
        board.flash(elf, soon())
        with pytest.raises(BoardLocked), open_board("native", root=root):
            pass
    status = board_status("native", root=root)
    assert (status.holder, status.lost, status.unseen) == (None, (), False)
    kept = status.record
    assert kept is not None
    assert kept.elf_sha256 is not None
    assert kept.process is not None
    assert kept.process.alive
    with open_board("native", root=root) as board:
        transport = board.connect(soon())
        boot = Client(transport).hello(soon()).boot
        transport.close()
        board.flash(elf, soon())
        transport = board.connect(soon())
        assert Client(transport).hello(soon()).boot != boot
        transport.close()
    assert not kept.process.alive
    last = find_record(root, "native")
    assert last is not None
    assert end_board("native", root=root)
    assert last.process is not None
    assert not last.process.alive
    assert not last.folder.exists()
    assert not end_board("native", root=root)


@needs_compiler
def test_native_runs_a_copy_that_later_changes_do_not_reach(root: Path, tmp_path: Path) -> None:
    elf = tmp_path / "nightjar.elf"
    elf.write_bytes(build_firmware("tiny", "native").read_bytes())
    with open_board("native", root=root) as board:
        report = board.flash(elf, soon())
        assert report.bytes == elf.stat().st_size
        elf.write_bytes(b"overwritten by the next build")
        board.reset(soon())
        transport = board.connect(soon())
        assert Client(transport).hello(soon()).backend == "tiny"
        transport.close()


@needs_compiler
def test_a_copy_that_takes_too_long_is_given_up(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin" / "cp"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}{os.pathsep}{os.environ['PATH']}")
    with open_board("native", root=root) as board, pytest.raises(FlashFailure, match="deadline"):
        board.flash(build_firmware("tiny", "native"), soon(0.5))


@needs_compiler
def test_what_cannot_run_is_refused(root: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "nightjar.elf"
    wrong.write_text("#!/bin/sh\necho cannot run here >&2; exit 3\n")
    with open_board("native", root=root) as board:
        with pytest.raises(BadInput, match="cannot be read"):
            board.flash(tmp_path / "absent.elf", soon())
        with pytest.raises(BoardFailure, match="ended") as failure:
            board.flash(wrong, soon())
        assert "cannot run here" in failure.value.evidence


_OWN = """
import sys, time
from pathlib import Path
from host.boards import open_board
from host.deadline import Deadline
with open_board("native", root=Path(sys.argv[1])) as board:
    board.flash(Path(sys.argv[2]), Deadline.after(10))
    print(board._process.pid, board._folder, flush=True)
    time.sleep(60)
"""


@needs_compiler
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_own_board_dies_with_its_user(root: Path, number: signal.Signals) -> None:
    user = _python(_OWN, str(root), str(build_firmware("tiny", "native")))
    assert user.stdout is not None
    pid, folder = user.stdout.readline().split()
    process = ProcessId.of(int(pid))
    assert process is not None
    user.send_signal(number)
    user.wait(10)
    user.stdout.close()
    assert ended_within(int(pid), Deadline.after(5)) or not process.alive
    own_folder(root).remove()  # sweeps
    assert not Path(folder).exists()


def test_native_firmware_that_dies_at_once_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gone before it could be looked at, though its socket was there: it is not that nothing was flashed."""
    firmware = tmp_path / "nightjar.elf"
    firmware.write_text("#!/bin/sh\ntouch link.sock\nsleep 0.2\nkill -SEGV $$\n")

    class Slow:
        @staticmethod
        def of(pid: int) -> ProcessId | None:
            while ProcessId.of(pid) is not None:
                time.sleep(0.001)
            return None

    monkeypatch.setattr("host.boards.native.ProcessId", Slow)
    board = NativeBoard.start(private_folder(tmp_path / "boards", make=True))
    board.flash(firmware, soon())
    with pytest.raises(FirmwareFailure, match="SIGSEGV"):
        board.connect(soon())
    board.close()

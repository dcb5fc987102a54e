"""A QEMU that does not work is the computer's trouble: not the board's, nor the firmware's."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from host import tools
from host.boards import end_board, keep_board, open_board, qemu, virtual
from host.boards.process import state_of
from host.boards.virtual import VirtualBoard
from host.deadline import Deadline
from host.errors import BoardFailure, FirmwareFailure, HostFailure, NightjarError
from host.link.testing_firmware import build_firmware, can_build

VERSION = 'if [ "$1" = --version ]; then echo "QEMU emulator version 9.9.9"; exit; fi\n'
SOCKETS = f"""#!{sys.executable}
import os, socket, sys, time
if sys.argv[1] == "--version":
    sys.exit(print("QEMU emulator version 9.9.9"))
streams = [socket.socket(socket.AF_UNIX) for _ in range(2)]
for stream, name in zip(streams, ("gdb.sock", "uart0.sock")):
    stream.bind(name)
    stream.listen()
packets = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
packets.bind("board.sock")
asking, _ = streams[0].accept()
asking.sendall(asking.recv(1))
"""
needs_tools = pytest.mark.skipif(
    not can_build("virtual") or shutil.which("gdb-multiarch") is None,
    reason="the tools of the virtual board are not installed",
)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("the NOR's file /n cannot be written: No space left on device", HostFailure),
        ("boot ROM: no image: the NOR does not begin with STM2", BoardFailure),
        (
            "RCC 56028ffc: read of a register that is not listed (00000000), pc 34000500",
            FirmwareFailure,
        ),
    ],
)
def test_whose_fault_the_end_of_a_virtual_n6_is(
    tmp_path: Path, said: str, kind: type[NightjarError]
) -> None:
    """A full disk is no firmware's, and what the boot ROM said did not end it."""
    (tmp_path / "stderr").write_text(f"qemu-system-arm: nightjar-n6: {said}\n")
    error = qemu.why_died(tmp_path)
    assert type(error) is kind
    assert said.partition(" (")[0] in str(error)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where to write a program that is found instead of QEMU."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setattr(virtual, "START", 0.5)
    return tmp_path / "bin" / "qemu-system-arm"


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def script(path: Path, text: str) -> None:
    write(path, f"#!/bin/sh\n{text}\n")


def refused(root: Path) -> HostFailure:
    """What is said of it, the same for a board of one's own and for a kept one; nothing is left."""
    with pytest.raises(HostFailure) as caught, open_board("virtual", root=root):
        pass
    with pytest.raises(HostFailure) as caught:
        keep_board("virtual", root=root)
    assert caught.value.next_step
    assert [path.name for path in root.iterdir() if path.is_dir()] == []
    return caught.value


def test_one_that_ends_at_once(stand_in: Path, tmp_path: Path) -> None:
    for end, says in (
        ("echo 'unsupported machine type' >&2; exit 1", "unsupported machine type"),
        ("exit 3", "it printed nothing"),
        ("kill -ABRT $$", "it printed nothing"),
    ):
        script(stand_in, VERSION + end)
        error = refused(tmp_path / "boards")
        assert "ended at once" in error.what
        assert says in error.evidence
    assert "signal 6" in error.what


def test_one_that_misses_a_library(stand_in: Path, tmp_path: Path) -> None:
    said = "qemu-system-arm: error while loading shared libraries: libslirp.so.0: cannot open"
    script(stand_in, f"echo '{said}' >&2; exit 127")
    error = refused(tmp_path / "boards")
    assert "does not run" in error.what
    assert "exit status 127" in error.evidence
    assert "libslirp.so.0" in error.evidence


def test_one_that_cannot_be_executed(stand_in: Path, tmp_path: Path) -> None:
    for content, says in (
        (b"\x7fELF of another computer", "Exec format error"),
        (b"#!/nonexistent/sh\n", "No such file"),
    ):
        stand_in.write_bytes(content)
        stand_in.chmod(0o755)
        error = refused(tmp_path / "boards")
        assert "does not run" in error.what
        assert says in error.evidence


def test_one_that_may_not_be_executed(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(stand_in, VERSION)
    stand_in.chmod(0o644)
    monkeypatch.setenv("PATH", str(stand_in.parent))
    assert "not installed" in refused(tmp_path / "boards").what


def test_one_that_never_opens_its_sockets(stand_in: Path, tmp_path: Path) -> None:
    script(stand_in, VERSION + "echo 'warming up' >&2; exec sleep 60")
    error = refused(tmp_path / "boards")
    assert "did not open its sockets" in error.what
    assert "warming up" in error.evidence


def test_one_that_never_says_its_version(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "_START", 0.3)
    script(stand_in, "exec sleep 60")
    assert "no answer to --version" in refused(tmp_path / "boards").evidence


def test_one_without_memory(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real one, which may have less and less."""
    real = shutil.which("qemu-system-arm", path=os.environ["PATH"].split(os.pathsep, 1)[1])
    if real is None or shutil.which("prlimit") is None:
        pytest.skip("QEMU or prlimit is not installed")
    monkeypatch.setattr(virtual, "START", 20.0)
    for size in (1 << 20, 1 << 29, 3 << 29):
        script(stand_in, f'exec prlimit --as={size} {real} "$@"')
        tools.check_version.cache_clear()
        error = refused(tmp_path / "boards")
        assert size < 1 << 29 or "Cannot allocate memory" in error.evidence
        assert "ulimit -v" in error.next_step


@needs_tools
def test_one_that_does_not_answer(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual, "START", 20.0)
    monkeypatch.setattr(qemu, "ANSWER", 0.3)
    write(stand_in, SOCKETS + "time.sleep(60)")
    elf = build_firmware("tiny", "virtual")
    with (
        open_board("virtual", root=tmp_path / "boards") as board,
        pytest.raises(HostFailure, match="does not answer") as caught,
    ):
        board.flash(elf, Deadline.after(1))
    assert "running" in caught.value.what


@needs_tools
@pytest.mark.parametrize("kept", [False, True])
def test_one_that_is_stopped(kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one that is still there when the command has ended can be continued then."""
    monkeypatch.setattr(qemu, "ANSWER", 0.3)
    elf = build_firmware("tiny", "virtual")
    root = tmp_path / "boards"
    if kept:
        keep_board("virtual", root=root)
    try:
        with open_board("virtual", root=root) as board:
            assert isinstance(board, VirtualBoard)
            pid = board._process.pid
            os.kill(pid, signal.SIGSTOP)
            for ask in (
                lambda: board.flash(elf, Deadline.after(1)),
                lambda: board.reset(Deadline.after(1)),
            ):
                with pytest.raises(HostFailure, match="stopped") as caught:
                    ask()
                assert (f"kill -CONT {pid}" in caught.value.next_step) is kept
            os.kill(pid, signal.SIGCONT)
            board.flash(elf, Deadline.after(20))
        assert bool(state_of(pid)) is kept
    finally:
        if kept:
            end_board("virtual", root=root)


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(
    ("end", "kind"),
    [
        ("print('qemu: Cannot allocate memory', file=sys.stderr); sys.exit(1)", HostFailure),
        (
            "print('GLib-ERROR: failed to allocate 9 bytes', file=sys.stderr); os.abort()",
            HostFailure,
        ),
        ("print('qemu: terminating on signal 15', file=sys.stderr); sys.exit(0)", BoardFailure),
        ("os.kill(os.getpid(), 9)", BoardFailure),
    ],
)
def test_one_that_gives_up_in_use(
    end: str, kind: type[Exception], kept: bool, stand_in: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What it complains of is the computer's; killed from outside, it is the board that is gone."""
    monkeypatch.setattr(virtual, "START", 20.0)
    write(stand_in, SOCKETS + f"streams[1].accept()\n{end}")
    root = tmp_path / "boards"
    if kept:
        keep_board("virtual", root=root)
    try:
        with open_board("virtual", root=root) as board:
            transport = board.connect_slow(Deadline.after(10))
            with pytest.raises(kind) as caught:
                transport.read(Deadline.after(10))
            transport.close()
            assert type(caught.value) is kind
    finally:
        end_board("virtual", root=root)

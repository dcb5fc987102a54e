"""What flashes a board ends with the command that started it, however that ends: nobody goes on writing."""

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from host.boards.flashers.testing_tools import needs_binutils, needs_gdb
from host.boards.flashers.tool import run
from host.boards.process import ended_within
from host.boards.testing_bare import link_bare
from host.deadline import Deadline
from host.errors import FlashFailure

_GDB = """
import sys
from pathlib import Path
from host.boards.bench_file import BenchBoard
from host.boards.flashers.gdb_server import GdbServer
from host.boards.flashers.parts import Image
from host.boards.gdb_script import QEMU
from host.deadline import Deadline
board = BenchBoard("vm", "n6-virtual", gdb=sys.argv[1])
GdbServer(QEMU).flash(Image(Path(sys.argv[2])), board, Deadline.after(300), print)
"""
_TOOL = """
import sys
from host.boards.flashers.tool import run
from host.deadline import Deadline
run(sys.argv[1:], Deadline.after(300))
"""


@contextmanager
def killed(program: str, *words: object) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of this Python, killed behind the block."""
    child = subprocess.Popen([sys.executable, "-c", program, *map(str, words)])
    try:
        yield child
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()


def children(pid: int) -> list[int]:
    """The processes that a process of one thread has started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@needs_binutils
@needs_gdb
def test_gdb_dies_with_a_command_that_is_killed(tmp_path: Path) -> None:
    """At work on a server that does not answer."""
    elf = link_bare(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with killed(_GDB, address, elf) as user:
            connection, _ = server.accept()
            (gdb,) = children(user.pid)
        with connection:
            assert ended_within(gdb, Deadline.after(30))


@needs_binutils
@needs_gdb
def test_a_server_of_gdb_s_own_ends_with_both(tmp_path: Path) -> None:
    """It reads the end of what gdb says, as OpenOCD does on a pipe."""
    told, server = tmp_path / "told", tmp_path / "server"
    os.mkfifo(told)
    server.write_text(f"#!/bin/sh\necho $$ > {shlex.quote(str(told))}\nexec cat > /dev/null\n")
    server.chmod(0o755)
    with killed(_GDB, f"| {shlex.quote(str(server))}", link_bare(tmp_path)):
        pid = int(told.read_text())
    assert ended_within(pid, Deadline.after(30))


def test_a_vendors_tool_dies_with_a_command_that_is_killed(tmp_path: Path) -> None:
    told, tool = tmp_path / "told", tmp_path / "tool"
    os.mkfifo(told)
    tool.write_text(f"#!/bin/sh\necho $$ > {shlex.quote(str(told))}\nexec sleep 600\n")
    tool.chmod(0o755)
    with killed(_TOOL, tool):
        pid = int(told.read_text())
    assert ended_within(pid, Deadline.after(30))


def test_a_tool_that_hangs_is_ended_with_what_it_has_started(tmp_path: Path) -> None:
    """Which holds what the tool prints to: nobody waits for its end."""
    told = tmp_path / "told"
    begin = f"echo begun; sleep 600 & echo $! > {shlex.quote(str(told))}; wait"
    seconds = 1.0
    while not (told.exists() and told.read_text()):  # a busy computer has not begun it by then
        with pytest.raises(FlashFailure, match="did not finish before the deadline") as caught:
            run(["sh", "-c", begin], Deadline.after(seconds))
        seconds *= 2
    assert caught.value.evidence == "begun"
    assert ended_within(int(told.read_text()), Deadline.after(30))

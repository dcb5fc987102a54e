"""Flashing through gdb on a real server: QEMU's, behind which a virtual STM32N6 stands."""

import os
import re
import select
import shlex
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from host.boards import qemu
from host.boards.bench_file import BenchBoard, Machine
from host.boards.flashers import testing_server
from host.boards.flashers.gdb_server import GdbServer
from host.boards.flashers.parts import Image
from host.boards.folder import private_folder
from host.boards.gdb_script import QEMU, SERVERS
from host.boards.kinds import DK, VIRTUAL_N6
from host.boards.n6_image import first_stage, write_nor
from host.boards.n6_virtual import N6VirtualBoard, machine_of
from host.boards.probes import Probe
from host.boards.testing_bare import CODE, RIGHT, link_bare
from host.boards.virtual_n6.build import find
from host.deadline import Deadline
from host.errors import BadInput, BoardFailure, IdentityFailure

pytestmark = [
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(
        shutil.which("arm-none-eabi-ld") is None, reason="binutils-arm-none-eabi is not installed"
    ),
    pytest.mark.skipif(
        shutil.which("gdb-multiarch") is None, reason="gdb-multiarch is not installed"
    ),
]
# RCC_APB4ENSR2 gives the fuses their clock, as our firmware does: a debugger then reads the unique id.
FUSES_ON = "ldr r2, =0x56028a78; movs r3, #2; str r3, [r2]"
FUSES_BYTES = 6
# A pipe from and to a unix socket.
RELAY = """
import os, socket, sys, threading
there = socket.socket(socket.AF_UNIX)
there.connect(sys.argv[1])
def up():
    while data := os.read(0, 65536):
        there.sendall(data)
    there.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := there.recv(65536):
    os.write(1, data)
"""
Virtual = Callable[..., tuple[BenchBoard, N6VirtualBoard]]


def soon() -> Deadline:
    return Deadline.after(60)


def quiet(_: str) -> None:
    """Nobody listens to what is tried."""


@pytest.fixture
def virtual(tmp_path: Path) -> Iterator[Virtual]:
    """Starts a virtual chip with the id Z; gives its bench entry and itself."""
    started: list[N6VirtualBoard] = []

    def start(more: str = "") -> tuple[BenchBoard, N6VirtualBoard]:
        machine = machine_of(DK.name, Machine(uid="Z"))
        option, words, *others = machine.arguments
        machine = replace(machine, arguments=(option, words + more, *others))
        board = N6VirtualBoard.start(private_folder(tmp_path / "b", make=True), machine=machine)
        assert isinstance(board, N6VirtualBoard)
        started.append(board)
        entry = BenchBoard("vm", VIRTUAL_N6, gdb=str(board._folder / qemu.GDB_SOCKET))
        return replace(entry, machine=Machine(uid="Z")), board

    yield start
    for board in started:
        board.close()


@contextmanager
def listening(path: str) -> Iterator[int]:
    """A TCP port in front of a unix socket, one connection after the other."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):  # until it is shut
                while True:
                    here = server.accept()[0]
                    with here, socket.socket(socket.AF_UNIX) as there:
                        there.connect(path)
                        pump(here, there)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def pump(here: socket.socket, there: socket.socket) -> None:
    """Carry bytes both ways until one side ends."""
    other = {here: there, there: here}
    while True:
        for ready in select.select(list(other), [], [])[0]:
            data = ready.recv(1 << 16)
            if not data:
                return
            other[ready].sendall(data)


def refused(way: GdbServer, entry: BenchBoard, elf: Path) -> BoardFailure:
    """The refusal of a board that boots from flash: on a busy computer it may need more than one look."""
    for _ in range(20):
        try:
            way.flash(Image(elf), entry, soon(), quiet)
        except BoardFailure as error:
            return error
    raise AssertionError("it was taken for a development boot again and again")


def nor_that_boots(folder: Path) -> Path:
    """A NOR with a first stage that loops."""
    stage = folder / "stage"
    stage.mkdir()
    booted = link_bare(stage, vectors=0x34180400, code=0x34180500, constants=0x34180600)
    write_nor(folder / "nor", [first_stage(booted)])
    return folder / "nor"


def pc(board: N6VirtualBoard, elf: Path) -> int:
    where = board.whereabouts(elf, soon())
    assert where is not None
    return where.pc


def test_an_elf_is_loaded_and_started(virtual: Virtual, tmp_path: Path) -> None:
    entry, board = virtual()
    elf = link_bare(tmp_path, text=DK.name)
    said: list[str] = []
    report = GdbServer().flash(Image(elf), entry, soon(), said.append)
    assert re.match(r"a development boot: .* in the boot ROM for 2 s, at 0x1800", said[0])
    assert report.bytes == 8 + len(DK.name) + 1 + 16
    assert pc(board, elf) == CODE + RIGHT


def test_by_host_and_port_and_by_a_command_of_gdb_s_own(virtual: Virtual, tmp_path: Path) -> None:
    """Neither tells which server it is; connecting again after the reset works by both."""
    entry, board = virtual()
    elf = link_bare(tmp_path, text=DK.name)
    relay = tmp_path / "relay.py"
    relay.write_text(RELAY)
    command = shlex.join([sys.executable, str(relay), str(entry.gdb)])
    with listening(str(entry.gdb)) as port:
        for text in (f"127.0.0.1:{port}", f"| {command}"):
            reached = replace(entry, gdb=text)
            with pytest.raises(BadInput, match="which gdb server"):
                GdbServer().flash(Image(elf), reached, soon(), quiet)
            GdbServer(QEMU).flash(Image(elf), reached, soon(), quiet)
            assert pc(board, elf) == CODE + RIGHT


LOOK = ["sleep 500", "halt"]
COMMANDS = {
    "openocd": ["reset run", *LOOK, *["resume", *LOOK] * 3, "reset halt", "resume"],
    "pyocd": ["reset", *LOOK, *["continue", *LOOK] * 3, "reset halt"],
    "st-link": ["reset"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_script_of_each_server_does_its_work(
    virtual: Virtual, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """By the real gdb, through a stand-in that takes the server's own commands, to a real core."""
    entry, board = virtual()
    log = tmp_path / "asked"
    program = tmp_path / "bin" / name
    program.parent.mkdir()
    command = [sys.executable, testing_server.__file__, str(entry.gdb), str(log), name]
    program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    if name == "openocd":  # as gdb's own child, on a probe
        probe = Probe("1", "0483:3754", "", tmp_path)
        way, reached = GdbServer(probes=lambda: (probe,)), BenchBoard("dk", DK.name, probe="1")
    else:
        way = GdbServer(SERVERS[name])
        reached = replace(entry, gdb=f"| {program}")
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        elf = link_bare(folder, text=DK.name, code=CODE + 0x100 * number)
        way.flash(Image(elf), reached, soon(), quiet)
        assert pc(board, elf) == CODE + 0x100 * number + RIGHT
    assert log.read_text().splitlines() == COMMANDS[name] * 2


@pytest.mark.parametrize("rom", ["quick", "slow"])
@pytest.mark.parametrize("name", ["openocd", "pyocd"])
def test_a_boot_from_flash_is_seen_through_each_server_that_can_look(
    virtual: Virtual, tmp_path: Path, name: str, rom: str
) -> None:
    """However long the boot ROM takes for it, within some looks."""
    entry, _ = virtual(f",switches=flash,nor={nor_that_boots(tmp_path)}")
    words = [sys.executable, testing_server.__file__, str(entry.gdb), str(tmp_path / "asked"), name]
    reached = replace(entry, gdb=f"| {shlex.join([*words, rom])}")
    error = refused(GdbServer(SERVERS[name]), reached, link_bare(tmp_path))
    assert "boots from flash" in error.what
    if rom == "slow":
        assert re.search(r"at look [34] of 4 its core is at 0x3418", error.evidence)


def test_another_chip_runs_on_untouched(virtual: Virtual, tmp_path: Path) -> None:
    """Once the fuses have a clock, the id is read before the reset, and nothing is written."""
    entry, board = virtual()
    elf = link_bare(tmp_path, text=DK.name, first=FUSES_ON)
    for name in ("right", "wrong"):
        (tmp_path / name).mkdir()
    GdbServer().flash(Image(elf), entry, soon(), quiet)
    right = pc(board, elf)
    assert right == CODE + RIGHT + FUSES_BYTES
    other = replace(entry, machine=Machine(uid="Y"))
    new = link_bare(tmp_path / "wrong", code=CODE + 0x100)
    with pytest.raises(IdentityFailure, match="nothing was written") as caught:
        GdbServer().flash(Image(new), other, soon(), quiet)
    assert b"NIGHTJAR-VMZ".hex() in caught.value.evidence
    assert pc(board, elf) == right
    GdbServer().flash(Image(elf), entry, soon(), quiet)


def test_a_board_that_boots_from_flash_is_refused_with_the_switches(
    virtual: Virtual, tmp_path: Path
) -> None:
    entry, _ = virtual(f",switches=flash,nor={nor_that_boots(tmp_path)}")
    error = refused(GdbServer(), entry, link_bare(tmp_path))
    assert "boots from flash, and a development boot is needed: nothing was written" in error.what
    assert "its core is at 0x341805" in error.evidence
    assert "switches: " in error.next_step


def test_what_does_not_fit_is_refused_with_its_size(virtual: Virtual, tmp_path: Path) -> None:
    elf = link_bare(tmp_path, constants=0x341FFFFC)
    with pytest.raises(BadInput, match="none that a debugger loads") as caught:
        GdbServer().flash(Image(elf), BenchBoard("vm", VIRTUAL_N6, gdb="/x"), soon(), quiet)
    assert ".rodata at 0x341ffffc to 0x34200006 (10 bytes)" in caught.value.evidence

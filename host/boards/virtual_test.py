"""The virtual board: real QEMU, real gdb, real firmware."""

import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from host.boards import board_status, end_board, keep_board, open_board
from host.boards.process import ProcessId, ended_within
from host.boards.virtual import VirtualBoard
from host.deadline import Deadline
from host.errors import BadInput, BoardFailure, FirmwareFailure, FlashFailure, HostFailure
from host.link.client import Client
from host.link.identity import Expected, check_hello, elf_build_id
from host.link.image import image_crc
from host.link.messages import Mode, Stages, What
from host.link.registers import FirmwareFault
from host.link.testing_firmware import (
    TINY_COMMAND,
    WIDE_BYTES,
    build_firmware,
    can_build,
    tiny_output,
    wide_output,
)
from host.locks import is_held
from host.testing_children import with_default_signals

_TOOLS = ("qemu-system-arm", "gdb-multiarch", "arm-none-eabi-as", "arm-none-eabi-ld")
pytestmark = pytest.mark.skipif(
    not can_build("virtual") or any(shutil.which(tool) is None for tool in _TOOLS),
    reason=f"one of {', '.join(_TOOLS)} is not installed",
)


def soon(seconds: float = 20) -> Deadline:
    return Deadline.after(seconds)


@pytest.fixture(scope="module")
def elf() -> Path:
    return build_firmware("tiny", "virtual")


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    with open_board("virtual", root=tmp_path) as opened:
        assert isinstance(opened, VirtualBoard)
        yield opened


def _assemble(folder: Path, code: str, ballast: int = 0) -> Path:
    """A bare-metal ELF: vectors, `code` at reset and at every fault, and bytes to make it large."""
    source = f"""
        .syntax unified
        .arch armv8.1-m.main
        .thumb
        .section .vectors, "a"
        .word 0x30000400, start, start, start
        .text
        .thumb_func
        start: {code}
        .section .rodata
        .space {1 + ballast}, 0x5a
    """
    (folder / "bare.s").write_text(source)
    subprocess.run(["arm-none-eabi-as", "bare.s", "-o", "bare.o"], cwd=folder, check=True)
    link = ["arm-none-eabi-ld", "-Ttext=0x10000100", "--section-start=.vectors=0x10000000"]
    link += ["--section-start=.rodata=0x11000000", "-e", "0x10000100", "bare.o", "-o", "bare.elf"]
    subprocess.run(link, cwd=folder, check=True)
    return folder / "bare.elf"


def test_flash_and_a_session_on_both_ports(board: VirtualBoard, elf: Path) -> None:
    assert not board.kept
    report = board.flash(elf, soon())
    assert report.bytes > 5000
    first, second = bytes(range(50, 66)), b"\x09\x08\x07\x06\x05"
    for connect in (board.connect, board.connect_slow):
        transport = connect(soon())
        client = Client(transport)
        hello = client.hello(soon())
        expected = Expected(elf_build_id(elf), image_crc(elf), board="virtual")
        check_hello(hello, expected)
        assert hello.cost_unit == "instructions"
        client.load_input(0, first, soon())
        client.load_input(1, second, soon())
        client.run(Stages.MODEL, mode=Mode.TAPPED, deadline=soon())
        assert client.read(What.TAP, 2, 0, 16, soon()) == tiny_output(first, second)
        assert (
            client.stats.crc_errors == client.stats.gaps == 0
        )  # a busy computer may be asked again
        transport.close()
    board.reset(soon())
    transport = board.connect(soon())
    assert Client(transport).hello(soon()).boot != hello.boot
    transport.close()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("/^Section .rodata,/d", "has not read back what it wrote: .rodata at 0x7"),
        ("/^Section .data,/d", "has not read back what it wrote: .data at 0x7"),
        ("/^Section /d", "has not read back what it wrote: .vectors at 0x10000000, .engine_text"),
        ("/^Section .text,/s/-- 0x1/-- 0x2/", "has not read back what it wrote: .text at 0x1"),
        ("/^Section .text,/s/matched/MIS-MATCHED!/", "differs from what was written to it: .text"),
        ("/^Section .text,/s/matched/read in part/", "differs from what was written to it: .text"),
        ("/^Section .text,/s/matched//", "differs from what was written to it: .text"),
    ],
)
def test_every_section_must_be_read_back(
    board: VirtualBoard,
    elf: Path,
    change: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The real gdb, some of whose words are taken away."""
    gdb = shutil.which("gdb-multiarch")
    tool = tmp_path / "tools" / "gdb-multiarch"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n'{gdb}' \"$@\" | sed '{change}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    with pytest.raises(FlashFailure, match=re.escape(says)):
        board.flash(elf, soon())


@pytest.mark.parametrize("name", ["tiny", "wide"])
def test_what_a_debugger_writes_is_all_that_is_loaded(name: str) -> None:
    """Sections leave no gap in a segment, whose memory would be what was there before."""
    with build_firmware(name, "virtual").open("rb") as stream:
        file = ELFFile(stream)
        segments = [one for one in file.iter_segments() if one["p_type"] == "PT_LOAD"]
        assert [one["p_flags"] for one in segments] == [5, 4, 6]
        for segment in segments:
            assert segment["p_filesz"] == segment["p_memsz"] > 0
            sections = [one for one in file.iter_sections() if segment.section_in_segment(one)]
            at = segment["p_vaddr"]
            for section in sorted(sections, key=lambda one: int(one["sh_addr"])):
                assert section["sh_addr"] == at
                at += section["sh_size"]
            assert at == segment["p_vaddr"] + segment["p_filesz"]


def test_flash_is_faster_than_a_megabyte_a_second(board: VirtualBoard, tmp_path: Path) -> None:
    report = board.flash(_assemble(tmp_path, "b start", ballast=1 << 20), soon())
    assert report.bytes > 1 << 20
    assert report.bytes_per_second > 1e6
    assert report.total_seconds >= report.seconds


def test_many_packets_each_way(board: VirtualBoard) -> None:
    board.flash(build_firmware("wide", "virtual"), soon())
    transport = board.connect(soon())
    client = Client(transport)
    client.hello(soon())
    data = bytes(i * 7 & 0xFF for i in range(WIDE_BYTES))
    client.load_input(0, data, soon())
    client.run(Stages.MODEL, mode=Mode.TAPPED, deadline=soon())
    assert client.read(What.TAP, 0, 0, WIDE_BYTES, soon()) == wide_output(data)
    transport.close()


def test_boards_run_side_by_side(tmp_path: Path, elf: Path) -> None:
    wide = build_firmware("wide", "virtual")
    with open_board("virtual", root=tmp_path) as one, open_board("virtual", root=tmp_path) as two:
        one.flash(elf, soon())
        two.flash(wide, soon())
        for board, name in ((one, "tiny"), (two, "wide")):
            transport = board.connect(soon())
            assert Client(transport).hello(soon()).backend == name
            transport.close()


def test_a_fault_is_named_by_line(board: VirtualBoard, elf: Path) -> None:
    board.flash(elf, soon())
    transport = board.connect(soon())
    client = Client(transport)
    client.hello(soon())
    client.load_input(0, struct.pack("<BB14x", TINY_COMMAND, 5), soon())
    client.load_input(1, bytes(5), soon())
    with pytest.raises(FirmwareFault) as failure:
        client.run(Stages.MODEL, deadline=soon())
    shown = failure.value.symbolized(lambda pc: board.symbolize(elf, pc)).evidence
    assert "UNDEFINSTR" in shown
    assert re.search(r"PC 0x[0-9a-f]{8} \(\S*nj_model\.c:\d+ \(misbehave\)\)", shown)
    transport.close()
    # The next user flashes, and all is well.
    board.flash(elf, soon())
    transport = board.connect(soon())
    assert Client(transport).hello(soon()).backend == "tiny"
    transport.close()


def test_a_locked_up_cpu_is_the_firmwares(board: VirtualBoard, tmp_path: Path) -> None:
    """The fault handler faults: QEMU gives up, and its last words become the evidence."""
    faulty = _assemble(tmp_path, "udf #0")
    try:
        board.flash(faulty, soon())
        transport = board.connect(soon())
        with pytest.raises(FirmwareFailure, match="CPU locked up") as failure:
            Client(transport).hello(soon())
        transport.close()
    except FirmwareFailure as early:  # QEMU died before the connection was made
        assert "CPU locked up" in early.what  # noqa: PT017
        return
    assert "Lockup" in failure.value.evidence
    assert "R15" in failure.value.evidence


def test_a_killed_qemu_is_the_boards_at_once(board: VirtualBoard, elf: Path) -> None:
    board.flash(elf, soon())
    transport = board.connect(soon())
    client = Client(transport)
    client.hello(soon())
    assert board._child is not None
    board._child.kill()
    started = time.monotonic()
    with pytest.raises(BoardFailure, match="QEMU process"):
        client.digests(soon(90))
    with pytest.raises((BoardFailure, FlashFailure)):
        board.flash(elf, soon(90))
    assert time.monotonic() - started < 60
    transport.close()


def test_what_is_no_firmware_for_it_is_refused(board: VirtualBoard, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        board.flash(tmp_path / "absent.elf", soon())
    with pytest.raises(BadInput, match="ELF files for Arm"):
        board.flash(Path(sys.executable).resolve(), soon())


def test_flashing_ends_at_its_deadline(board: VirtualBoard, elf: Path) -> None:
    with pytest.raises(FlashFailure, match="before the deadline"):
        board.flash(elf, soon(0.001))


def test_gdb_is_missing(
    board: VirtualBoard, elf: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostFailure, match="gdb-multiarch is not installed"):
        board.flash(elf, soon())
    with (
        pytest.raises(HostFailure, match="qemu-system-arm is not installed"),
        open_board("virtual", root=tmp_path),
    ):
        pass


def test_a_kept_board_outlives_its_starter(tmp_path: Path, elf: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from host.boards import keep_board;"
        "print(keep_board('virtual', root=Path(sys.argv[1]))[0].process.pid)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    pid = int(done.stdout)
    try:
        assert ProcessId.of(pid) is not None
        record, new = keep_board("virtual", root=tmp_path)
        assert not new
        with open_board("virtual", root=tmp_path) as board:
            assert board.kept
            board.flash(elf, soon())
        # Another user finds what was flashed.
        with open_board("virtual", root=tmp_path) as board:
            transport = board.connect(soon())
            assert Client(transport).hello(soon()).build_id == elf_build_id(elf)
            transport.close()
        assert record.folder.is_dir()
    finally:
        end_board("virtual", root=tmp_path)
    assert ended_within(pid, soon(5))
    assert not record.folder.exists()


def test_a_lost_qemu_is_found_and_ended(tmp_path: Path) -> None:
    """Its folder was cleaned away, as old files in /tmp are; no second one is started beside it."""
    root = tmp_path / "boards"
    first, _ = keep_board("virtual", root=root)
    shutil.rmtree(root)
    assert board_status("virtual", root=root).lost == (first.process,)
    second, new = keep_board("virtual", root=root)
    assert new
    assert first.process is not None
    assert second.process is not None
    assert not first.process.alive
    shutil.rmtree(root)
    assert end_board("virtual", root=root)
    assert not second.process.alive
    assert not end_board("virtual", root=root)


def test_a_kept_qemu_holds_its_folder(tmp_path: Path) -> None:
    """So that nobody who cannot see the process takes the folder for one that is left over."""
    root = tmp_path / "boards"
    record, _ = keep_board("virtual", root=root)
    assert is_held(record.folder / "lock")
    assert end_board("virtual", root=root)
    assert not record.folder.exists()


_OWN = """
import sys, time
from pathlib import Path
from host.boards import open_board
with open_board("virtual", root=Path(sys.argv[1])) as board:
    print(board._child.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_own_board_dies_with_its_user(tmp_path: Path, number: signal.Signals) -> None:
    user = subprocess.Popen(
        with_default_signals([sys.executable, "-c", _OWN, str(tmp_path)]),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert user.stdout is not None
    pid = int(user.stdout.readline())
    user.send_signal(number)
    user.wait(10)
    user.stdout.close()
    assert ended_within(pid, soon(5))

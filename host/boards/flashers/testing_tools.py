"""For tests of flashing with tools that are not here: stand-ins that print what the tools say (`said`).

They keep what they were called with.
"""

import json
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from host.boards.bench_file import BenchBoard
from host.boards.flashers.parts import Image
from host.boards.probes import Probe
from host.deadline import Deadline

needs_binutils = pytest.mark.skipif(
    shutil.which("arm-none-eabi-ld") is None, reason="binutils-arm-none-eabi is not installed"
)
needs_gdb = pytest.mark.skipif(
    shutil.which("gdb-multiarch") is None, reason="gdb-multiarch is not installed"
)
needs_compiler = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
SAID = Path(__file__).parent / "said"
GOLDEN = Path(__file__).parent / "golden"
ENTRY = 0x34180401
ONE = Probe("0039003A3234510433353533", "0483:3754", "STLINK-V3", Path("/dev/bus/usb/001/004"))
TWO = Probe("004200123234510433353533", "0483:374e", "STLINK-V3", Path("/dev/bus/usb/001/005"))
DK = BenchBoard("left", "stm32n6570-dk", probe=ONE.serial)
UID = "310025000b51333231383730"  # of said/*_id.txt
NUCLEO = BenchBoard("right", "nucleo-n657x0-q", probe=TWO.serial, uid=UID)
# A stand-in: appends its words to a log, then does what the n-th of its turns says.
STAND_IN = """#!/usr/bin/env python3
import json, pathlib, sys
here = pathlib.Path({folder!r})
name = pathlib.Path(sys.argv[0]).name
with (here / "calls").open("a") as log:
    log.write(json.dumps([name, *sys.argv[1:]]) + "\\n")
turns = json.loads((here / (name + ".turns")).read_text())
turn = turns.pop(0) if len(turns) > 1 else turns[0]
(here / (name + ".turns")).write_text(json.dumps(turns if len(turns) > 0 else [turn]))
if "-bin" in sys.argv and turn["code"] == 0:
    words = sys.argv
    raw = pathlib.Path(words[words.index("-bin") + 1]).read_bytes()
    entry = turn.get("entry", {entry})
    head = b"STM2" + bytes(0x6c) + entry.to_bytes(4, "little")
    out = pathlib.Path(words[words.index("-o") + 1])
    out.write_bytes(head.ljust(0x400, b"\\0") + raw + bytes(-len(raw) % 512))
if "--upload" in sys.argv:
    address, size, out = sys.argv[sys.argv.index("--upload") + 1 :]
    held = here / ("nor-" + address)
    pathlib.Path(out).write_bytes((held.read_bytes() if held.exists() else b"").ljust(int(size)))
print(turn["says"])
sys.exit(turn["code"])
"""


class Tools:
    """Stand-ins on PATH, and what they were called with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, *turns: tuple[int, str]) -> None:
        """A tool that ends with a code and says a text, turn by turn; the last stays."""
        program = self.folder / name
        program.write_text(STAND_IN.format(folder=str(self.folder), entry=ENTRY))
        program.chmod(0o755)
        said = [{"code": code, "says": (SAID / f"{text}.txt").read_text()} for code, text in turns]
        (self.folder / f"{name}.turns").write_text(json.dumps(said))

    @property
    def calls(self) -> list[list[str]]:
        log = self.folder / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def headed(image: Image, entry: int = ENTRY) -> Image:
    """The same with a header in the first stage's file."""
    first, *others = image.parts
    raw = first.file.read_bytes()
    first.file.write_bytes((b"STM2" + bytes(0x6C) + entry.to_bytes(4, "little")).ljust(0x400) + raw)
    return replace(image, parts=(replace(first, headed=True), *others))


def soon() -> Deadline:
    return Deadline.after(60)


def quiet(_: str) -> None:
    """Nobody listens to what is tried."""


LOADER = """
    .syntax unified
    .arch armv8.1-m.main
    .thumb
    .global nj_loader
    .set nj_loader, 0x34182300
    .section .vectors, "a"
    .word 0x34190000, start
    .text
    start: nop
    .global nj_loader_done
    .thumb_func
    nj_loader_done: b nj_loader_done
"""


def add_loader(folder: Path) -> None:
    """A flash loader beside the firmware: where it waits, and its mailbox."""
    (folder / "loader.s").write_text(LOADER)
    for command in (
        "arm-none-eabi-as loader.s -o loader.o",
        "arm-none-eabi-ld -n --section-start=.vectors=0x34180400 -Ttext=0x34180500 -e 0x34180500"
        " loader.o -o nj_flash_loader.elf",
    ):
        subprocess.run(shlex.split(command), cwd=folder, check=True)


def say_as_openocd(tools: Tools, says: str) -> None:
    """A stand-in for OpenOCD, which says its words on the standard error and is gone before gdb says anything."""
    program = tools.folder / "openocd"
    log = shlex.quote(str(tools.folder / "calls"))
    text = shlex.quote(str(SAID / f"{says}.txt"))
    program.write_text(f"#!/bin/sh\necho '[\"openocd\"]' >> {log}\ncat {text} >&2\nexit 1\n")
    program.chmod(0o755)


_LATE = """
#define _GNU_SOURCE
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t write(int fd, const void *data, size_t size) {
    struct stat what;
    struct pollfd hears = {.fd = fd, .events = POLLRDHUP};
    if (fstat(fd, &what) == 0 && S_ISSOCK(what.st_mode)) {
        poll(&hears, 1, 200);
    }
    return syscall(SYS_write, fd, data, size);
}
"""


def let_gdb_be_late(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a busy computer: what gdb says to its child comes when that is gone, or after 0.2 s."""
    (folder / "late.c").write_text(_LATE)
    subprocess.run(["gcc", "-shared", "-fPIC", "late.c", "-o", "late.so"], cwd=folder, check=True)
    monkeypatch.setenv("LD_PRELOAD", str(folder / "late.so"))

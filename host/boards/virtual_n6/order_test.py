"""The port's table against what happens: our start-up's writes as the machine sees them, and ST's, by the trace."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.boards import open_board
from host.boards.qemu import with_arguments
from host.boards.virtual_n6.build import find
from host.boards.virtual_n6.trace_test import LINE, PORT, TRACE
from host.build import build
from host.bundle import Subject
from host.deadline import Deadline
from host.link.client import Client
from model_gen.codegen.project.generate import generate
from model_gen.codegen.testing.net import make_net

pytestmark = [
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc"),
    pytest.mark.skipif(not TRACE.is_file(), reason="../shared is absent"),
]

CHIP = range(0x40000000, 0x60000000)  # behind it lies the core
SENDS = "USART1_TDR"  # the first write of it ends the start-up
HEARD = ("USART1_ICR", "00000000")  # the interrupt's, when the host has asked before that
_LOGGED = re.compile(
    r"memory_region_ops_write .* addr (0x\w+) value (0x\w+) size \d+ name '(\w+)'$", re.MULTILINE
)
_BLOCK = re.compile(r"#define (\w+)\(offset\) NJ_REGISTER\((0x\w+)u \+ \(offset\)\)")
_OF_BLOCK = re.compile(r"#define (\w+) (\w+)\((0x\w+)\)")
_RAMCFG = re.compile(r"#define (\w+)\(axisram\) NJ_REGISTER\((0x\w+)u \+ (0x\w+)u \* ")
Write = tuple[str, str]  # the register's name, and the value, 8 hex digits


@pytest.fixture(scope="module")
def names() -> dict[int, str]:
    """Address -> name, as the port's header has them."""
    text = (PORT.parent / "nj_registers.h").read_text()
    blocks = {name: int(base, 16) for name, base in _BLOCK.findall(text)}
    found = {
        blocks[block] + int(offset, 16): name
        for name, block, offset in _OF_BLOCK.findall(text)
        if block in blocks
    }
    for name, base, each in _RAMCFG.findall(text):
        for axisram in range(1, 7):
            found[int(base, 16) + int(each, 16) * (axisram - 1)] = f"{name}({axisram})"
    return found


@pytest.fixture(scope="module")
def ours(names: dict[int, str], tmp_path_factory: pytest.TempPathFactory) -> list[Write]:
    """What our start-up on the DK writes into the chip's registers."""
    folder = tmp_path_factory.mktemp("order")
    subject = Subject(Path("small.tflite"), make_net(1).tflite())
    project = generate(subject, "stm32n6570-dk", folder / "project")
    build(project, Deadline.after(300))
    log = folder / "log"
    arguments = ("-trace", "memory_region_ops_write", "-D", str(log))
    with (
        tempfile.TemporaryDirectory(prefix="nj-") as root,
        with_arguments(arguments),
        open_board("n6-virtual", root=Path(root)) as board,
    ):
        board.flash(project.elf, Deadline.after(60))
        line = board.connect(Deadline.after(20))
        Client(line).hello(Deadline.after(60))
        line.close()
    writes = [
        (names[int(address, 16)], f"{int(value, 16):08x}")
        for address, value, _ in _LOGGED.findall(log.read_text())
        if int(address, 16) in CHIP
    ]
    start_up = writes[: [name for name, _ in writes].index(SENDS)]
    return [write for write in start_up if write != HEARD]


@pytest.fixture(scope="module")
def theirs(names: dict[int, str]) -> list[tuple[int, Write]]:
    """What ST's example writes, each with its number among all accesses of the trace."""
    found, number = [], 0
    for line in TRACE.read_text().splitlines():
        kind, address, name, value, times = LINE.fullmatch(line.strip()).groups()  # type: ignore[union-attr]
        if kind == "W":
            found.append((number + 1, (names.get(int(address, 16), name), value)))
        number += int(times or 1)
    return found


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Of the table: step, ours, the trace's, why."""
    for line in PORT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4:
            yield cells[0], cells[1], cells[2], cells[3]


def writes_of(cell: str) -> list[Write]:
    return [(name, value) for name, value in re.findall(r"`([\w()+]+)=(\w{8})`", cell)]


def in_the_trace(write: Write, theirs: list[tuple[int, Write]]) -> str:
    """The number of the same write; of the first other value that the register is given, with that; or a dash."""
    same = next((number for number, other in theirs if other == write), None)
    if same is not None:
        return str(same)
    other = next(((number, one[1]) for number, one in theirs if one[0] == write[0]), None)
    return "-" if other is None else f"{other[0]}: `{other[1]}`"


def test_every_write_of_ours_is_in_the_table_in_our_order(ours: list[Write]) -> None:
    told = [write for _, cell, _, _ in rows() for write in writes_of(cell)]
    assert told == ours


def test_each_stands_beside_st_s(theirs: list[tuple[int, Write]]) -> None:
    for step, cell, told, why in rows():
        writes = writes_of(cell)
        if writes:
            assert told == ", ".join(in_the_trace(write, theirs) for write in writes), step
            assert why, step


def test_what_only_st_writes_is_named(ours: list[Write], theirs: list[tuple[int, Write]]) -> None:
    known = {name for name, _ in ours} | {SENDS}
    only = list(dict.fromkeys(name for _, (name, _) in theirs if name not in known))
    told = [cell for _, cell_of_ours, cell, _ in rows() if cell_of_ours == "not written"]
    assert re.findall(r"`(\S+)`", " ".join(told)) == only

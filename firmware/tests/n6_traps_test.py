"""What an STM32N6 does not forgive: firmware that forgets just that step fails on the virtual one, by its name.

The port's own source with one step changed, built by the project's own build, and judged as a user judges it.
"""

import re
import shutil
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from firmware.tests.testing_n6_traps import (
    FAR,
    GIVEN_AWAY,
    GUARDED,
    PARTED,
    REGION,
    TRAPS,
    TWICE,
    Edit,
    Trap,
    without,
)
from host.boards import open_board
from host.boards.silence import explain_silence
from host.boards.virtual_n6.build import find
from host.boards.virtual_n6.trace_test import Chip
from host.build import build
from host.bundle import Subject
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.errors import NightjarError
from host.link.attempts import Silence
from host.link.client import Client
from host.link.messages import ResetCause
from host.project import Project, load_project
from host.report.verdict import Verdict
from model_gen.codegen.project.generate import generate
from model_gen.codegen.testing.net import make_net

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc"),
]

PATIENCE = 4.0  # seconds for a question to a board that may be dead


@dataclass(frozen=True)
class Workshop:
    """A project's folder, whose port is spoilt and mended again; what it was generated from."""

    subject: Subject
    folder: Path

    def built(self, edits: tuple[Edit, ...]) -> Project:
        before = {file: (self.folder / "board" / file).read_text() for file, _, _ in edits}
        try:
            for file, old, new in edits:
                text = (self.folder / "board" / file).read_text()
                assert text.count(old) == 1, (file, old)
                (self.folder / "board" / file).write_text(text.replace(old, new))
            project = load_project(self.folder)
            build(project, Deadline.after(300))
        finally:
            for file, text in before.items():
                (self.folder / "board" / file).write_text(text)
        return project


Open = Callable[[str], Workshop]


@pytest.fixture(scope="module")
def workshops(tmp_path_factory: pytest.TempPathFactory) -> Open:
    @cache
    def open_one(build: str) -> Workshop:
        subject = Subject(Path("small.tflite"), make_net(1).tflite())
        folder = tmp_path_factory.mktemp("traps") / "project"
        weights, mhz = "nor" if build == "nor" else "auto", 800 if build == "800" else None
        generate(subject, "stm32n6570-dk", folder, weights=weights, cpu_mhz=mhz)
        return Workshop(subject, folder)

    return open_one


@pytest.fixture(scope="module")
def boards() -> Iterator[Path]:
    """A short path: a unix socket's name is short."""
    folder = Path(tempfile.mkdtemp(prefix="nj-"))
    yield folder
    shutil.rmtree(folder)


def judged(shop: Workshop, edits: tuple[Edit, ...], boards: Path) -> Verdict:
    project = shop.built(edits)
    asked = Session(
        project, shop.subject, "n6-virtual", vectors=1, seed=1, root=boards, patience=PATIENCE
    )
    return prove(asked)


@pytest.mark.parametrize(
    ("build", "given"),
    [
        *(("", given) for given in ((), FAR, TWICE, GUARDED, REGION, GIVEN_AWAY, PARTED)),
        ("nor", ()),
        ("800", ()),
    ],
    ids=[
        *("shipped", "far", "twice", "guarded", "region", "given away", "parted"),
        *("nor", "800"),
    ],
)
def test_what_forgets_nothing_passes(
    workshops: Open, boards: Path, build: str, given: tuple[Edit, ...]
) -> None:
    verdict = judged(workshops(build), given, boards)
    assert verdict.exact
    mhz = [round(hz / 1e6) for hz in verdict.proved.clocks]
    assert mhz == [800 if build == "800" else 600, 400, 100, 100]
    assert verdict.proved.caches == 3


def begun_anew(shop: Workshop, edits: tuple[Edit, ...], boards: Path) -> int:
    """How often the firmware starts when it is asked once to begin anew."""
    project = shop.built(edits)
    with open_board("n6-virtual", root=boards) as board:
        board.flash(project.elf, Deadline.after(30))
        transport = board.connect(Deadline.after(10))
        try:
            client = Client(transport)
            before = client.hello(Deadline.after(10)).boot
            client.reset(Deadline.after(PATIENCE))
            return client.hello(Deadline.after(10)).boot - before
        except Silence as error:
            raise explain_silence(error, board, project.elf, transport.close) from error
        finally:
            transport.close()


def test_what_was_answered_is_sent_before_the_clocks_change(workshops: Open, boards: Path) -> None:
    """A start anew sets the clocks, and a FIFO of the answer is still to be sent."""
    assert begun_anew(workshops(""), (), boards) == 1
    forgets = without("nj_main.c", "    nj_usart_finish(); /* the answer to who asked for it */\n")
    with pytest.raises(NightjarError) as caught:
        begun_anew(workshops(""), (forgets,), boards)
    assert "the clocks were switched while USART1 may be sending" in str(caught.value)


def test_the_first_number_of_a_start_is_what_memory_was_left_with(
    workshops: Open, boards: Path, tmp_path: Path
) -> None:
    """Always 1, it would say nothing of a power-on between two of the host's questions."""
    chip = Chip(tmp_path, "")
    try:
        chip.write(0x56028A54, 1 << 12)
        chip.write(0x52023280, 0)
        chip.write(0x56028A4C, 1 << 3)
        there = [chip.read(at) for at in range(0x343BFC00, 0x343C0000, 4)]
    finally:
        chip.close()
    project = workshops("").built(())
    with open_board("n6-virtual", root=boards) as board:
        board.flash(project.elf, Deadline.after(30))
        line = board.connect(Deadline.after(10))
        first = Client(line).hello(Deadline.after(10)).boot
        line.close()
    assert first == (zlib.crc32(struct.pack(f"<{len(there)}I", *there)) + 1) % 2**32


def test_a_reset_of_the_chip_is_no_power_on(workshops: Open, boards: Path) -> None:
    """DTCM holds what it held: starts go on being counted, and the cause is the flags'."""
    project = workshops("").built(())
    heard = []
    with open_board("n6-virtual", root=boards) as board:
        for _ in range(2):
            board.flash(project.elf, Deadline.after(30))
            line = board.connect(Deadline.after(10))
            client = Client(line)
            heard.append(client.hello(Deadline.after(10)))
            client.reset(Deadline.after(PATIENCE))
            heard.append(client.hello(Deadline.after(10)))
            line.close()
    first = heard[0].boot
    assert [one.boot for one in heard] == [first, first + 1, first + 2, first + 3]
    asked = ResetCause.REQUESTED
    pulled = ResetCause.PIN  # by the debugger, before it loads anew
    assert [one.reset_cause for one in heard] == [ResetCause.POWER_ON, asked, pulled, asked]


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
def test_a_forgotten_step_is_named(workshops: Open, boards: Path, trap: Trap) -> None:
    with pytest.raises(NightjarError) as caught:
        judged(workshops(trap.build), (*trap.given, trap.forgets), boards)
    for text in trap.said:
        assert text in str(caught.value)


def test_what_a_slow_interrupt_loses_is_counted_in_hello(workshops: Open, boards: Path) -> None:
    slow = (
        "nj_usart.c",
        "        const uint8_t byte = (uint8_t)USART1_RDR;",
        "        const uint8_t byte = (uint8_t)USART1_RDR;\n"
        "        for (volatile uint32_t turn = 0; overruns == 0 && turn < 400; ++turn) {\n        }",
    )
    for edits, lost in (((), False), ((slow,), True)):
        project = workshops("").built(edits)
        with open_board("n6-virtual", root=boards) as board:
            board.flash(project.elf, Deadline.after(60))
            line = board.connect(Deadline.after(20))
            hello = Client(line).hello(Deadline.after(60))
            line.close()
        assert (hello.overruns > 0) == lost


def test_ram_without_a_sleep_clock_gives_zero_while_the_core_sleeps(
    workshops: Open, boards: Path
) -> None:
    """To a debugger, since nobody else looks then; and the core finds everything again when it wakes."""
    forgets = (
        "nj_memory.c",
        "RCC_MEMLPENSR = RCC_MEM_AXISRAM3_TO_6 | RCC_MEM_AXISRAM1_AND_2 | ",
        "RCC_MEMLPENSR = ",
    )
    for edits, there in (((), True), ((forgets,), False)):
        project = workshops("").built(edits)
        with open_board("n6-virtual", root=boards) as board:
            board.flash(project.elf, Deadline.after(60))
            line = board.connect(Deadline.after(20))
            client = Client(line)
            client.hello(Deadline.after(60))
            (server,) = boards.glob("**/gdb.sock")
            ask = ["gdb-multiarch", "-nx", "-batch", "-ex", f"target remote {server}"]
            ask += ["-ex", "x/wx 0x34000400"]
            said = subprocess.run(ask, capture_output=True, text=True, timeout=60).stdout
            client.hello(Deadline.after(60))
            line.close()
        word = re.search(r"0x34000400\b.*:\s*0x([0-9a-f]{8})", said)
        assert word is not None, said
        assert (int(word[1], 16) != 0) == there


def test_what_was_noted_of_an_earlier_firmware_is_forgotten(workshops: Open, boards: Path) -> None:
    shop = workshops("")
    with open_board("n6-virtual", root=boards) as board:
        for edits, noted in (((TRAPS["clock of GPIO E"].forgets,), True), ((), False)):
            project = shop.built(edits)
            board.flash(project.elf, Deadline.after(60))
            where = None
            limit = Deadline.after(60)
            while where is None or not (where.waiting or limit.expired):
                where = board.whereabouts(project.elf, Deadline.after(20))
            assert ("GPIOE: a register was" in where.place) == noted

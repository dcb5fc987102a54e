"""What an STM32N6 does not forgive: firmware that forgets just that step fails on the virtual one, by its name.

The port's own source with one step changed, built by the project's own build, and judged as a user judges it.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from host.boards import open_board
from host.boards.virtual_n6.build import find
from host.bundle import Subject
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.errors import NightjarError
from host.link.client import Client
from host.project import Project, load_project
from host.report.verdict import Verdict
from model_gen.codegen.project.generate import generate
from model_gen.codegen.testing.net import make_net

pytestmark = [
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc"),
]

PATIENCE = 4.0  # seconds for a question to a board that may be dead
Edit = tuple[str, str, str]  # file of the port, what is there once, what is there instead

# Nothing that is forgotten: what brings a step into play. Each is judged without any trap, too.
# All data in AXISRAM3 and behind it, where a large model's lies.
FAR: tuple[Edit, ...] = (
    ("nj_layout.h", "NJ_APPLICATION_END 0x34180000", "NJ_APPLICATION_END 0x34200000"),
)
# As when a first stage was there before: the clocks are started while they run.
TWICE: tuple[Edit, ...] = (
    (
        "nj_startup.c",
        "    nj_clock_start();",
        "    nj_clock_start();\n    for (volatile uint32_t turn = 0; turn < 1000; ++turn) {\n    }\n"
        "    nj_clock_start();",
    ),
)
# The data's memory behind a region of RISAF3 that lets the core.
LETS = "    NJ_REGISTER(0x5402804Cu) = 0x00020002u; /* REG1_CIDCFGR: compartment 1 reads and writes */\n"
GUARDED: tuple[Edit, ...] = (
    (
        "nj_memory.c",
        "    /* A core that sleeps",
        "    NJ_REGISTER(0x56028A58u) = 1u << 14; /* RISAF has a clock */\n"
        "    NJ_REGISTER(0x54028044u) = 0x00080000u; /* from the half of AXISRAM2 */\n"
        "    NJ_REGISTER(0x54028048u) = 0x000FFFFFu;\n"
        + LETS
        + "    NJ_REGISTER(0x54028040u) = 0x101u; /* secure, on */\n    /* A core that sleeps",
    ),
)


@dataclass(frozen=True)
class Trap:
    """A step, and how its absence must be named.

    said: all of these are in the failure's text. build: "" as it ships, "nor" with its weights in the
    NOR, "800" at 800 MHz.
    """

    forgets: Edit
    said: tuple[str, ...]
    given: tuple[Edit, ...] = ()
    build: str = ""


def without(file: str, text: str) -> Edit:
    return file, text, ""


TRAPS = {
    # Supplies.
    "clock of PWR": Trap(
        without("nj_supply.c", "    RCC_AHB4ENSR = RCC_AHB4_PWR;\n"),
        ("nj_supply.c:", "PWR: a register was written while", "bit 18 of RCC_AHB4ENR is 0"),
    ),
    "supply's ready bit": Trap(
        without("nj_supply.c", "    while ((PWR_VOSCR & PWR_VOSCR_ACTVOSRDY) == 0) {\n    }\n"),
        ("PWR: the core was made faster than 64 MHz", "ACTVOSRDY"),
    ),
    "the board's own converter": Trap(
        ("nj_kind.h", "NJ_SUPPLY_EXTERNAL 1", "NJ_SUPPLY_EXTERNAL 0"),
        ("nj_supply.c:", "PWR: CR1.SDEN is set", "STM32N6570-DK"),
    ),
    "supply of the NOR's pins": Trap(
        ("nj_supply.c", "PWR_SVMCR3_VDDIO3SV | ", ""),
        ("GPION: its pins are dead", "PWR_SVMCR3.VDDIO3SV"),
        build="nor",
    ),
    "higher voltage": Trap(
        without("nj_supply.c", "    PWR_VOSCR = PWR_VOSCR | PWR_VOSCR_VOS;\n"),
        ("PWR: the core was made faster than the lower voltage allows", "VOS"),
        build="800",
    ),
    "higher voltage's ready bit": Trap(
        without("nj_supply.c", "    while ((PWR_VOSCR & PWR_VOSCR_VOSRDY) == 0) {\n    }\n"),
        ("PWR: the core was made faster than the lower voltage allows", "VOSRDY"),
        build="800",
    ),
    "higher voltage of the converter": Trap(
        without("nj_supply.c", "    GPIOF_BSRR = 1u << 4;\n"),
        ("GPIOF: the core was made faster than 600 MHz", "PF4 does not drive high"),
        build="800",
    ),
    # Clocks.
    "PLL's factors": Trap(
        ("nj_clock.c", "#define PLL1_N 75", "#define PLL1_N 250"),
        ("nj_clock.c:", "PLL1 gives nothing: its oscillator is out of range", "DIVN 250"),
    ),
    "PLL's ready bit": Trap(
        without("nj_clock.c", "    while ((RCC_SR & RCC_PLL1) == 0) {\n    }\n"),
        ("RCC 56028240: IC1 was enabled before its source PLL1 was ready", "nj_clock.c:"),
    ),
    "PLL's stop": Trap(
        without("nj_clock.c", "    while ((RCC_SR & RCC_PLL1) != 0) {\n    }\n"),
        ("RCC 56028080: a PLL's factors were written", "nj_clock.c:"),
        given=TWICE,
    ),
    "switch's ready bits": Trap(
        ("nj_clock.c", "    while ((RCC_CFGR1 & now) != wanted) {", "    while (now < wanted) {"),
        ("RCC: what the core runs from was stopped", "CPUSWS"),
        given=TWICE,
    ),
    "IC6": Trap(
        ("nj_clock.c", " | RCC_DIVEN(6u)", ""),
        ("nj_clock.c:", "system clock's switch in CFGR1 waits for IC6, which is not enabled"),
    ),
    "IC11": Trap(
        ("nj_clock.c", " | RCC_DIVEN(11u)", ""),
        ("nj_clock.c:", "system clock's switch in CFGR1 waits for IC11, which is not enabled"),
    ),
    # Memory.
    "clock of AXISRAM3 to 6": Trap(
        ("nj_memory.c", "RCC_MEMENSR = RCC_MEM_AXISRAM3_TO_6 | ", "RCC_MEMENSR = "),
        ("AXISRAM3: a write is lost: it has no clock (bit 0 of RCC_MEMENR is 0)",),
        given=FAR,
    ),
    "power of AXISRAM3 to 6": Trap(
        ("nj_memory.c", "axisram = 2;", "axisram = 7;"),
        ("AXISRAM3: a write is lost: it is shut down (SRAMSD in RAMCFG_AXISRAM3CR)",),
        given=FAR,
    ),
    "clock of RAMCFG": Trap(
        without(
            "nj_memory.c",
            "    RCC_AHB2ENSR = RCC_AHB2_RAMCFG; /* RAMCFG has a clock of its own */\n",
        ),
        ("RAMCFG: a register was", "bit 12 of RCC_AHB2ENR is 0"),
        given=FAR,
    ),
    "RISAF's compartment": Trap(
        without("nj_memory.c", LETS),
        ("RISAF3: a read gives zero", "34180000", "REG1_CIDCFGR"),
        given=GUARDED,
    ),
    # The core.
    "what the boot ROM left pending": Trap(
        without(
            "nj_startup.c",
            "        NVIC_DISABLE(irq) = 0xFFFFFFFFu;\n        NVIC_UNPEND(irq) = 0xFFFFFFFFu;\n",
        ),
        ("NVIC: interrupt 21, which the boot ROM had left pending, was taken", "nj_startup.c:"),
    ),
    "vector table": Trap(
        without("nj_startup.c", "    SCB_VTOR = (uint32_t)(uintptr_t)&vectors;\n"),
        ("SCB: exception 175 went to the boot ROM's vectors: VTOR was not set",),
    ),
    "cycle counter": Trap(
        without("nj_cost.c", "    PMU_CNTENSET = PMU_CYCLES;\n"),
        ("cost nothing: the board's counter stands still",),
    ),
    "performance monitor": Trap(
        ("nj_cost.c", "PMU_CTRL = PMU_CTRL_E | PMU_CTRL_C", "PMU_CTRL = PMU_CTRL_C"),
        ("cost nothing: the board's counter stands still",),
    ),
    "trace": Trap(
        without("nj_cost.c", "    DCB_DEMCR = DCB_DEMCR | DCB_DEMCR_TRCENA;\n"),
        ("PMU e0003e04: it was enabled while DEMCR.TRCENA is 0", "nj_cost.c:"),
    ),
    "plain accesses": Trap(
        (
            "nj_usart.c",
            "    USART1_ICR = USART_ISR_ORE | USART_ISR_NE | USART_ISR_FE;",
            '    __asm__ volatile("ldrex r0, [%0]" : : "r"(0x52001000u) : "r0");\n'
            "    USART1_ICR = USART_ISR_ORE | USART_ISR_NE | USART_ISR_FE;",
        ),
        ("an exclusive access (LDREX) to the register 52001000", "nj_usart.c:"),
    ),
    # The serial port.
    "clock of USART1": Trap(
        without("nj_usart.c", "    RCC_APB2ENSR = RCC_APB2_USART1;\n"),
        ("nj_usart.c:", "USART1: a register was", "bit 4 of RCC_APB2ENR is 0"),
    ),
    "clock of GPIO E": Trap(
        without("nj_usart.c", "    RCC_AHB4ENSR = RCC_AHB4_GPIOE;\n"),
        ("GPIOE: a register was", "bit 4 of RCC_AHB4ENR is 0"),
    ),
    "pins' function": Trap(
        ("nj_usart.c", "FUNCTION_USART1 7u", "FUNCTION_USART1 8u"),
        ("USART1: a byte did not get through PE6", "MODER 2, AFRL 8"),
    ),
    "speed of the interrupt": Trap(
        (
            "nj_usart.c",
            "        const uint8_t byte = (uint8_t)USART1_RDR;",
            "        const uint8_t byte = (uint8_t)USART1_RDR;\n"
            "        for (volatile uint32_t turn = 0; turn < 400; ++turn) {\n        }",
        ),
        ("USART1: a byte was lost, since RDR was not read in time (ORE in ISR)",),
    ),
    "USART1's clock while the core sleeps": Trap(
        without("nj_memory.c", "    RCC_APB2LPENSR = RCC_APB2_USART1;\n"),
        ("its sleep clock is off (bit 4 of RCC_APB2LPENR is 0)",),
    ),
    # What is not to be touched, or not yet.
    "that MEMSYSCTL is no memory": Trap(
        (
            "nj_cache.c",
            "    SCB_ICIALLU = 0;",
            "    (void)NJ_REGISTER(0xE001E008u);\n    SCB_ICIALLU = 0;",
        ),
        ("MEMSYSCTL e001e008: a register that is not listed was read", "nj_cache.c:"),
    ),
    "that the performance monitor is no memory": Trap(
        (
            "nj_cost.c",
            "    PMU_CNTENSET = PMU_CYCLES;",
            "    PMU_CNTENSET = PMU_CYCLES;\n    NJ_REGISTER(0xE0003400u) = 8;",
        ),
        ("PMU e0003400: a register that is not listed was written", "nj_cost.c:"),
    ),
    "that fuses are not burnt": Trap(
        (
            "nj_main.c",
            "    (void)RCC_APB4ENR2;",
            "    NJ_REGISTER(0x56009C04u) = 1u << 13;\n    (void)RCC_APB4ENR2;",
        ),
        ("BSEC 56009c04: a fuse would have been burnt", "nj_main.c:"),
    ),
    "that the NOR is mapped": Trap(
        ("nj_main.c", "        nj_nor_map();\n", ""),
        ("data bus error", "at address 0x71000000"),
        build="nor",
    ),
}


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
            tools, made = Path(sys.executable).parent, self.folder / "build"
            ninja = f"-DCMAKE_MAKE_PROGRAM={tools / 'ninja'}"
            for command in (
                [
                    tools / "cmake",
                    "-G",
                    "Ninja",
                    ninja,
                    "-S",
                    self.folder,
                    "-B",
                    made,
                ],
                [tools / "cmake", "--build", made],
            ):
                done = subprocess.run(command, capture_output=True, text=True, timeout=300)
                assert done.returncode == 0, done.stdout + done.stderr
        finally:
            for file, text in before.items():
                (self.folder / "board" / file).write_text(text)
        return load_project(self.folder)


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
    [("", ()), ("", FAR), ("", TWICE), ("", GUARDED), ("nor", ()), ("800", ())],
    ids=["shipped", "far", "twice", "guarded", "nor", "800"],
)
def test_what_forgets_nothing_passes(
    workshops: Open, boards: Path, build: str, given: tuple[Edit, ...]
) -> None:
    verdict = judged(workshops(build), given, boards)
    assert verdict.exact
    mhz = [round(hz / 1e6) for hz in verdict.proved.clocks]
    assert mhz == [800 if build == "800" else 600, 400, 100, 100]
    assert verdict.proved.caches == 3


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

"""What firmware for the NPU may forget: each step, how it fails without it as the chip would, and who names the cause.

The generated project with one step changed, built by its own build and judged as a user judges it. Its constants lie in
the NPU's RAM, so that they are copied. What a start-up for the core forgets is n6_traps_test.py's.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from host.boards.kinds import DK
from host.boards.virtual_n6.build import find
from host.build import build
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.errors import NightjarError
from host.exit_codes import Exit
from host.installed import ROOT
from host.project import Project, load_project
from host.report.summary import summary_lines
from model_gen.codegen.neural_art.firmware.generate import generate
from model_gen.codegen.neural_art.firmware.testing_networks import given, network

pytestmark = [
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc"),
    pytest.mark.skipif(shutil.which("gdb-multiarch") is None, reason="gdb-multiarch"),
]

PATIENCE = 4.0  # seconds for a question to a board that may be dead
Edit = tuple[str, str, str]  # file of the project, what is there once, what is there instead


@dataclass(frozen=True)
class Trap:
    """A step, how its absence must be told, and what brings it into play: nothing that is forgotten.

    said: all of these are among what a user reads: the verdict, what was said on the way, or the failure.
    """

    forgets: tuple[Edit, ...]
    said: tuple[str, ...]
    given: tuple[Edit, ...] = ()


def without(file: str, text: str) -> Edit:
    return file, text, ""


POWER, MODEL, RUNTIME = "board/nj_npu.c", "npu/nj_npu_model.c", "npu/runtime/nj_npu_runtime.c"
SHORT = ("npu/nj_npu_runtime.h", "PATIENCE_MS 10000u", "PATIENCE_MS 100u")
# As when another program was there: its epoch controller waits for its clock, with a program that is none.
USED: Edit = (
    POWER,
    "    RCC_AHB5RSTSR = ",
    "    NJ_NPU(0x0u) = 1u;\n    NJ_NPU(0x1E008u) = 0x34200000u;\n    NJ_NPU(0x1E000u) = 1u;\n    RCC_AHB5RSTSR = ",
)
UNRESET = without(POWER, "    RCC_AHB5RSTSR = RCC_AHB5_NPU;\n")
UNCHECKED: Edit = (MODEL, "if ((NJ_NPU(CLOCKS_CTRL) & CLOCKS_ENABLED) != 0) {", "if (false) {")
UNCOPIED = without(MODEL, "        memcpy(image->to, image->from, image->bytes);\n")
UNSEEN: Edit = (MODEL, "if (same < image->bytes) {", "if (false) {")
# Before an inference the instance's next block is its first again.
NOT_FIRST: Edit = (RUNTIME, "been set */\n    next = blocks;\n", "been set */\n")
# Of these no source says what the chip does without, and the virtual chip does nothing (docs/npu-firmware.md).
UNPUNISHED = (
    (POWER, "RCC_AHB5ENSR = RCC_AHB5_NPU | RCC_AHB5_CACHEAXI;", "RCC_AHB5ENSR = RCC_AHB5_NPU;"),
    (POWER, "RCC_AHB5LPENSR = RCC_AHB5_NPU | RCC_AHB5_CACHEAXI", "RCC_AHB5LPENSR = RCC_AHB5_NPU"),
    without(POWER, "    RCC_MEMENSR = RCC_MEM_CACHEAXIRAM;\n"),
    without(POWER, "    RCC_MEMLPENSR = RCC_MEM_CACHEAXIRAM;\n"),
    without(POWER, "    RIFSC_RISC_SECCFGR3 = RIFSC_RISC_SECCFGR3 | RIFSC_RISC3_NPU;\n"),
    without(POWER, "    RIFSC_RISC_PRIVCFGR3 = RIFSC_RISC_PRIVCFGR3 | RIFSC_RISC3_NPU;\n"),
    without(RUNTIME, "    CLOCKS_CTRL = ENABLE;\n"),
    without(RUNTIME, "    CLOCKS_INFRASTRUCTURE(0u) = 0xFFFFFFFFu;\n"),
    without(RUNTIME, "    CLOCKS_INFRASTRUCTURE(1u) = 0xFFFFFFFFu;\n"),
)
NEVER = "no epoch has written it"
SLOT = "the firmware says: no epoch has written the tensor of slot 0"

TRAPS = {
    "clock of the NPU": Trap(
        ((POWER, "RCC_AHB5ENSR = RCC_AHB5_NPU | ", "RCC_AHB5ENSR = "), SHORT),
        ("has not ended epoch block 0", "CLKCTRL 0x00000000", "bit 31 of RCC_AHB5ENR is 0"),
    ),
    "clock of the NPU, while the core sleeps": Trap(
        ((POWER, "RCC_AHB5LPENSR = RCC_AHB5_NPU | ", "RCC_AHB5LPENSR = "), SHORT),
        (
            "has not ended epoch block 0 after 100 ms: CLKCTRL 0x00000001, BGATES 0xffffffff, INTREG",
            "by now it has: the core was not told, or took the NPU's clock away by sleeping (RCC_AHB5LPENR)",
        ),
    ),
    "clock of RIFSC": Trap(
        (without(POWER, "    RCC_AHB3ENSR = RCC_AHB3_RIFSC;\n"),),
        (NEVER, "RIFSC: a register was written while the block has no clock"),
    ),
    "whose the NPU's masters are": Trap(
        (without(POWER, "    RIFSC_RIMC_ATTR_NPU = RIFSC_RIMC_AS_THE_CORE;\n"),),
        (
            NEVER,
            SLOT,
            "its masters are not secure, privileged and of compartment 1 (RIFSC_RIMC_ATTR1)",
        ),
    ),
    "bus interface": Trap(
        (without(RUNTIME, "    INTERFACE_CTRL(0u) = ENABLE;\n"), SHORT),
        ("has not ended epoch block 0 after 100 ms", "waits: bus interface 0 is off (BUSIF0_CTRL)"),
    ),
    "reset": Trap((UNRESET,), ("the NPU has not been reset (RCC_AHB5RSTR)",), (USED,)),
    "reset, and the look at it": Trap(
        (UNRESET, UNCHECKED),
        ("FIRMWARE", "an epoch controller program that is damaged"),
        (USED,),
    ),
    "reset of the instance": Trap(
        (NOT_FIRST,),
        ("instance has not been reset: epoch block 0 is to run, and 4 is next, of 4",),
    ),
    "reset of the instance, and the look at it": Trap(
        (NOT_FIRST, (MODEL, "if (next != wanted) {", "if (false) {")),
        ("DIFFERENT: vector 0, epoch 1", NEVER, SLOT),
    ),
    "copy of constants": Trap((UNCOPIED,), ("constants are not in the NPU's RAM: at 0x3434",)),
    "copy of constants, and the look at them": Trap(
        (UNCOPIED, UNSEEN), ("DIFFERENT: vector 0, epoch 1",)
    ),
    "power of the RAM of constants": Trap(
        (
            (
                "board/nj_memory.c",
                "        RAMCFG_CR(axisram) = ",
                "        if (axisram != 5)\n            RAMCFG_CR(axisram) = ",
            ),
        ),
        (
            "constants are not in the NPU's RAM: at 0x3434",
            "AXISRAM5: a write is lost: it is shut down",
            "AXISRAM5: the NPU reads zero and writes nothing: it is shut down",
        ),
    ),
    "clock of the NPU's RAM, while the core sleeps": Trap(
        (("board/nj_memory.c", "RCC_MEMLPENSR = RCC_MEM_AXISRAM3_TO_6 | ", "RCC_MEMLPENSR = "),),
        ("the NPU reads zero and writes nothing: it has no clock",),
    ),
    "input written back": Trap(
        (
            without(
                MODEL,
                "            nj_npu_clean(nj_model.input[i].data, nj_model.input[i].bytes);\n",
            ),
        ),
        ("it reads what memory holds, and not what the core has written from 34",),
    ),
    "FPSCR of an operator of the processor": Trap(
        (
            (
                MODEL,
                '    __asm__ volatile("vmsr fpscr, %0" : : "r"(to));\n',
                "    (void)to;\n",
            ),
        ),
        ("DIFFERENT: vector 0, epoch 2", "ran with an FPSCR that flushes them (FZ)"),
    ),
    "results fetched from memory": Trap(
        ((MODEL, "{\n    nj_npu_drop(place->data, place->bytes);", "{\n    (void)place;"),),
        (NEVER, "lines of the core's data cache that were not invalidated"),
    ),
}

# Of a network whose constants stay in the NOR, and whose tensors lie where its inputs were.
IN_NOR = {
    "clock of the NOR, while the core sleeps": Trap(
        (without(POWER, " | RCC_AHB5_XSPI2"), SHORT),
        (
            "has not ended epoch block 0 after 100 ms",
            "took the NPU's clock away by sleeping (RCC_AHB5LPENR)",
            "the sleep clock of XSPI2 is off (bit 12 of RCC_AHB5LPENR)",
        ),
    ),
    "input put there again for each run": Trap(
        (
            (
                "core/nj_run.c",
                "            nj_staging_copy_inputs();",
                "            if (!done) nj_staging_copy_inputs();",
            ),
        ),
        ("INPUT (input 0)", "something else wrote into this tensor"),
    ),
}


@dataclass(frozen=True)
class Workshop:
    """A project's folder, whose files are spoilt and mended again."""

    folder: Path

    def built(self, edits: tuple[Edit, ...]) -> Project:
        before = {file: (self.folder / file).read_text() for file, _, _ in edits}
        try:
            for file, old, new in edits:
                text = (self.folder / file).read_text()
                assert text.count(old) == 1, (file, old)
                (self.folder / file).write_text(text.replace(old, new))
            project = load_project(self.folder)
            build(project, Deadline.after(300))
        finally:
            for file, text in before.items():
                (self.folder / file).write_text(text)
        return project


def made(folder: Path) -> Workshop:
    generate(given(folder / "net"), DK.name, folder / "project")
    return Workshop(folder / "project")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Of a network whose floats are subnormal."""
    folder = tmp_path_factory.mktemp("npu")
    written = network(folder / "net", ("pointwise", "software"))
    text = written.source.read_text().replace("0x71000000", "0x34340000")
    written.source.write_text(text.replace("size=66060288", "size=65536"))
    (image,) = (folder / "net").glob("*.raw")
    scales = [np.float32(scale).tobytes() for scale in (0.0625, 0.1, 0.003)]
    (scale,) = (scale for scale in scales if scale in image.read_bytes())
    content = image.read_bytes()
    assert content.count(scale) == 1
    image.write_bytes(content.replace(scale, np.float32(2.0**-134).tobytes()))
    shop = made(folder)
    assert "NJ_WEIGHTS_IN_NOR" not in (shop.folder / "CMakeLists.txt").read_text()
    return shop


@pytest.fixture(scope="module")
def shop_in_nor(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Of a network whose constants stay in the NOR, and whose tensors lie where its inputs were."""
    folder = tmp_path_factory.mktemp("nor")
    network(folder / "net", ("pointwise", "software"), reuse=True)
    return made(folder)


@pytest.fixture(scope="module")
def boards() -> Iterator[Path]:
    """A short path: a unix socket's name is short."""
    folder = Path(tempfile.mkdtemp(prefix="nj-"))
    yield folder
    shutil.rmtree(folder)


def told(shop: Workshop, edits: tuple[Edit, ...], boards: Path) -> tuple[bool, str]:
    """Whether the firmware is exact, and all that a user reads of it."""
    project = shop.built(edits)
    lines: list[str] = []
    subject = given(shop.folder.parent / "net").subject
    asked = Session(
        project, subject, "n6-virtual", vectors=2, seed=1, root=boards, patience=PATIENCE
    )
    try:
        verdict = prove(asked, say=lines.append)
    except NightjarError as error:
        return False, "\n".join([*lines, str(error)])
    return verdict.exact, "\n".join([*lines, *summary_lines(verdict)])


@pytest.mark.parametrize(
    "edits",
    [(), (USED, *UNPUNISHED)],
    ids=["nothing", "what is punished, behind another program"],
)
def test_what_forgets_nothing_is_exact(
    workshop: Workshop, boards: Path, edits: tuple[Edit, ...]
) -> None:
    exact, said = told(workshop, edits, boards)
    assert exact, said


def test_the_sleep_clock_of_xspim_is_not_missed(shop_in_nor: Workshop, boards: Path) -> None:
    exact, said = told(shop_in_nor, (without(POWER, " | RCC_AHB5_XSPIM"),), boards)
    assert exact, said


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
def test_a_forgotten_step_fails_and_is_named(workshop: Workshop, boards: Path, trap: Trap) -> None:
    exact, said = told(workshop, (*trap.given, *trap.forgets), boards)
    assert not exact
    for text in trap.said:
        assert text in said, said


@pytest.mark.parametrize("trap", IN_NOR.values(), ids=IN_NOR)
def test_a_step_for_other_memory_is_named(shop_in_nor: Workshop, boards: Path, trap: Trap) -> None:
    test_a_forgotten_step_fails_and_is_named(shop_in_nor, boards, trap)


def test_what_the_board_told_is_shown_by_hil_too(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.built(TRAPS["whose the NPU's masters are"].forgets)
    model = tmp_path / "net.tflite"
    model.write_bytes(given(workshop.folder.parent / "net").subject.model)
    words = ["hil", "--bundle", model, "--board", "n6-virtual", "--project", project.path]
    words += ["--vectors", "1", "--soak", "1", "--out", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-m", "host.entry", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == Exit.FIRMWARE, done.stdout + done.stderr
    assert done.stdout.count("What the board told") == 1, done.stdout
    for text in (SLOT, "the chip noted: NPU: what it reads is zero"):
        assert text in done.stdout, done.stdout

"""What an STM32N6's firmware may not hold: an address from which a fuse could be burnt, an exclusive access."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from host.build import build
from host.bundle import Subject
from host.deadline import Deadline
from host.project import Project
from model_gen.codegen.project.generate import generate
from model_gen.codegen.testing import keras_models

PORT = Path(__file__).parents[1] / "boards" / "stm32n6"
BOARDS = ("stm32n6570-dk", "nucleo-n657x0-q")
UNIQUE_ID = 0x56009014
DEBUG = {0x56009E8C, 0x56009E90}  # DBGCR and AP_UNLOCK: no fuse is behind them
PROGRAMS = {0x56009C04, 0x56009C08}  # OTPCR and WDR
SHORT_REACH = 0xFF  # an offset of a load or store below its base
ALIASES = (0x56009000, 0x46009000)  # of BSEC: secure, non-secure
REACH = 0xFFF  # an offset of a load or store

needs_cross = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"
)


@pytest.fixture(scope="module", params=BOARDS)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    subject = Subject(Path("dense.tflite"), keras_models.quantized("dense"))
    made = generate(subject, request.param, tmp_path_factory.mktemp("n6") / "project")
    build(made, Deadline.after(240))
    return made


def near_fuses(word: int) -> bool:
    return any(block - REACH <= word < block + 0x1000 for block in ALIASES)


def addresses_near_fuses(code: bytes) -> set[int]:
    """Words near BSEC at any place where an instruction may load one, and upper halves that MOVT would give."""
    found = set()
    for at in range(0, len(code) - 3, 2):
        word = int.from_bytes(code[at : at + 4], "little")
        if near_fuses(word):
            found.add(word)
        first, second = word & 0xFFFF, word >> 16
        if first & 0xFBF0 == 0xF2C0 and not second & 0x8000:  # MOVT: i, imm4; imm3, Rd, imm8
            upper = (first & 15) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8
            if (upper | second & 0xFF) << 16 in {block & 0xFFFF0000 for block in ALIASES}:
                found.add((upper | second & 0xFF) << 16)
    return found


def assembled(tmp_path: Path, text: str) -> bytes:
    """The machine code of a few instructions."""
    source, made = tmp_path / "a.s", tmp_path / "a.o"
    source.write_text(f".syntax unified\n.thumb\n{text}\n")
    tool = ["arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mthumb", "-c", str(source), "-o", str(made)]
    subprocess.run(tool, check=True, timeout=300)
    with made.open("rb") as stream:
        return bytes(ELFFile(stream).get_section_by_name(".text").data())


@needs_cross
@pytest.mark.parametrize(
    "text",
    [
        "ldr r0, =0x56009000\nstr r1, [r0, #0xC04]\n.ltorg",
        "ldr r0, =0x46009C08\nstr r1, [r0]\n.ltorg",
        "ldr r0, =0x56008F00\nstr r1, [r0, #0xD04]\n.ltorg",
        "movw r7, #0x9C04\nmovt r7, #0x5600\nstr r1, [r7]",
        "nop\nmovw r11, #0x8000\nmovt r11, #0x4600",
    ],
)
def test_code_that_could_burn_a_fuse_is_seen(tmp_path: Path, text: str) -> None:
    assert addresses_near_fuses(assembled(tmp_path, text))


@needs_cross
@pytest.mark.parametrize(
    ("elf", "named"),
    [("nightjar.elf", {UNIQUE_ID}), ("nj_first_stage.elf", DEBUG), ("nj_flash_loader.elf", set())],
)
def test_what_an_elf_names_of_the_fuses_block(project: Project, elf: str, named: set[int]) -> None:
    """The application the unique id alone; the first stage what lets a debugger in; the flash loader nothing."""
    with project.elf.with_name(elf).open("rb") as stream:
        sections = [s for s in ELFFile(stream).iter_sections() if s["sh_flags"] & 2]
        loaded = [s.data() for s in sections if s["sh_type"] != "SHT_NOBITS"]
    assert set().union(*map(addresses_near_fuses, loaded)) == named


def test_what_the_register_list_names_of_the_fuses_block() -> None:
    text = (PORT / "nj_registers.h").read_text()
    numbers = {int(number, 16) for number in re.findall(r"0x([0-9A-Fa-f]{8})u?\b", text)}
    assert len(numbers) > 20
    assert {number for number in numbers if near_fuses(number)} == {UNIQUE_ID, *DEBUG}


def test_no_store_from_where_debugging_is_let_reaches_a_register_that_programs() -> None:
    for address in DEBUG:
        assert not set(range(address - SHORT_REACH, address + REACH + 1)) & PROGRAMS


@needs_cross
def test_no_exclusive_access_in_the_port(project: Project) -> None:
    """An exclusive access to a register is not defined; nothing of ours shares memory with another master."""
    tool = ["arm-none-eabi-objdump", "-d", "--no-show-raw-insn", str(project.elf)]
    listing = subprocess.run(tool, check=True, capture_output=True, text=True, timeout=120).stdout
    assert len(listing.splitlines()) > 1000
    assert re.findall(r"\t(?:ld|st)(?:rex|lex|aex)\w*", listing) == []

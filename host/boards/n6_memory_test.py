"""Where an ELF lies, read from ELFs that a linker made."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from host.boards.n6_memory import Region, placement, regions

PORT = Path(__file__).parents[2] / "firmware/boards/stm32n6"
pytestmark = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc"
)
SOURCE = """
int variable = 5;
char many[0x3000];
__attribute__((section(".stack"))) char stack[64] = {1};
__attribute__((section(".elsewhere"))) const char far[16] = {1};
int main(void) { return variable + many[1] + stack[2] + far[3]; }
"""
SCRIPT = """
SECTIONS {
    .text 0x34000400 : { *(.text*) }
    .rodata 0x34040000 : { *(.rodata*) }
    .data 0x34180000 : AT(0x34040100) { *(.data*) }
    .bss 0x341FF000 : { *(.bss*) }
    .stack 0x30000000 : { *(.stack) }
    .elsewhere 0x60000000 : { *(.elsewhere) }
    /DISCARD/ : { *(.ARM.*) *(.note*) *(.comment) }
}
"""


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("elf")
    (folder / "it.c").write_text(SOURCE)
    (folder / "it.ld").write_text(SCRIPT)
    line = ["arm-none-eabi-gcc", "-mcpu=cortex-m55", "-nostdlib", "-T", "it.ld", "it.c", "-o", "it"]
    subprocess.run([*line, "-Wl,-e,main"], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    return (folder / "it").read_bytes()


def test_a_section_lies_in_each_memory_that_it_takes(elf: bytes) -> None:
    assert placement(elf) == {
        ".text": "AXISRAM1",
        ".data": "AXISRAM2",
        ".bss": "AXISRAM2, AXISRAM3 to 6",
        ".stack": "DTCM",
        ".elsewhere": "",
    }


def test_a_region_holds_its_sections_and_the_image_of_data(elf: bytes) -> None:
    found = regions(elf)
    assert found["CONSTANTS"].used == 4, "the image of .data"
    assert found["DATA"].used == 4 + 0x3000
    assert found["DTCM"] == Region(64, 0x20000)
    assert found["NOR"].used == 0
    assert found["CODE"].used > 16


def test_firmware_of_the_npu_has_less_ram_and_weights_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "it.c").write_text(SOURCE)
    script = SCRIPT.replace("0x60000000", "0x70180000") + "nj_data_limit = 0x34200000;\n"
    (tmp_path / "it.ld").write_text(script)
    line = ["arm-none-eabi-gcc", "-mcpu=cortex-m55", "-nostdlib", "-T", "it.ld", "it.c", "-o", "it"]
    subprocess.run([*line, "-Wl,-e,main"], cwd=tmp_path, check=True, stderr=subprocess.DEVNULL)
    found = regions((tmp_path / "it").read_bytes())
    assert found["NOR"] == Region(16, 0x74000000 - 0x70180000)
    assert found["DATA"].bytes == 0x80000


def test_the_regions_are_those_that_models_are_fitted_to(elf: bytes) -> None:
    told = json.loads((PORT / "memory.json").read_text())["regions"]
    assert {name: region.bytes for name, region in regions(elf).items()} == {
        one["name"]: one["bytes"] for one in told
    }

"""A program that drives the PSRAM with the port's own start-up, on both virtual boards: 1 MiB through its window."""

import shutil
from pathlib import Path

import pytest

from firmware.tests.testing_n6_bare import FIRMWARE, link
from host.boards.n6_image import first_stage
from host.boards.virtual_n6.build import find
from host.boards.virtual_n6.nor_test import run

KINDS = {"stm32n6570-dk": "stm32n6570_dk", "nucleo-n657x0-q": "nucleo_n657x0_q"}

pytestmark = [
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc"),
]


def linked(folder: Path, board: str, *, edit: tuple[str, str] = ("", "")) -> Path:
    """The program for a board, as beside.cmake links the first stage; `edit` is made in its source."""
    text = (FIRMWARE / "tests/n6/psram.c").read_text()
    assert not edit[0] or text.count(edit[0]) == 1, edit
    source = folder / "psram.c"
    source.write_text(text.replace(*edit) if edit[0] else text)
    return link(folder / "psram.elf", KINDS[board], [source])


def ran(folder: Path, board: str, wanted: str, *, edit: tuple[str, str] = ("", "")) -> None:
    piece = first_stage(linked(folder, board, edit=edit))
    (folder / "nor").write_bytes(piece.data)
    run(folder, wanted, board)


def ended(what: int, figure: int) -> str:
    return f"R04={what:08x} R05={figure:08x}"


def test_a_mebibyte_comes_back_through_the_window(tmp_path: Path) -> None:
    ran(tmp_path, "stm32n6570-dk", ended(0x600D, 0))


def test_a_mebibyte_that_is_not_what_was_written_is_told(tmp_path: Path) -> None:
    spoilt = (
        "        bytes[4u * i + 1u] = (uint8_t)i;",
        "        bytes[4u * i + 2u] = (uint8_t)i;",
    )
    ran(tmp_path, "stm32n6570-dk", r"R04=0000600d R05=0000c[0-9a-f]{3}", edit=spoilt)


def test_a_nucleo_says_no_name(tmp_path: Path) -> None:
    ran(tmp_path, "nucleo-n657x0-q", ended(0x0FF0, 0xFFFF))


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ((" | RCC_AHB5_XSPIM;", ";"), "XSPI1: no memory hears it: XSPIM has no clock"),
        (("    set(0, 0x30);", "    "), "PSRAM .*wrong number of dummy cycles"),
        (("    set(4, 0x20);", "    "), "PSRAM .*wrong number of dummy cycles"),
        (("    set(8, 0x40);", "    "), "PSRAM .*a form that no driver"),
        (("    WIR = WRITE_LINEAR;\n", ""), "XSPI1 90000000: a write through the window.*, pc 34"),
        (
            ("    CR = XSPI_CR_EN | XSPI_CR_MAPPED;\n", ""),
            r"XPSR=\w{7}3 [^\n]*handler",
        ),  # HardFault
    ],
)
def test_a_forgotten_step_is_named(tmp_path: Path, edit: tuple[str, str], why: str) -> None:
    ran(tmp_path, "stm32n6570-dk", why, edit=edit)

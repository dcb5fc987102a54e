"""A program that writes and reads a memory card with the port's driver, and each step forgotten."""

import shutil
from pathlib import Path

import pytest

from firmware.tests.testing_n6_bare import FIRMWARE, PORT, link
from host.boards.n6_image import first_stage
from host.boards.virtual_n6.build import find
from host.boards.virtual_n6.nor_test import run

UNIT = 0x80000
DRIVER = ("nj_sdmmc.c", "nj_sd.c", "nj_cache_lines.c")

pytestmark = [
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc"),
]


def linked(folder: Path, edit: tuple[str, str]) -> Path:
    """The program, with `edit` made once in its source or in the driver's."""
    texts = {"card.c": (FIRMWARE / "tests/n6/card.c").read_text()}
    texts |= {name: (PORT / name).read_text() for name in DRIVER}
    assert not edit[0] or sum(text.count(edit[0]) for text in texts.values()) == 1, edit
    for name, text in texts.items():
        (folder / name).write_text(text.replace(*edit) if edit[0] else text)
    return link(folder / "card.elf", "stm32n6570_dk", [folder / name for name in texts])


def ran(
    folder: Path, wanted: str, *, edit: tuple[str, str] = ("", ""), size: int = 4 * UNIT
) -> str:
    (folder / "nor").write_bytes(first_stage(linked(folder, edit)).data)
    if size:
        (folder / "card").write_bytes(bytes(size))
    return run(folder, wanted, more=",card=card" if size else "")


def test_blocks_come_back_one_by_one_and_many_at_once(tmp_path: Path) -> None:
    said = ran(tmp_path, "R04=0000600d R05=00000000 R06=00001000")
    assert "note:" not in said
    written = (tmp_path / "card").read_bytes()
    wanted = bytes((i * 2654435761 >> 24) & 0xFF for i in range(6 * 512))
    assert written[100 * 512 :].startswith(wanted)
    assert not any(written[: 100 * 512])
    assert not any(written[106 * 512 :])


@pytest.mark.parametrize(
    ("edit", "ended", "noted"),
    [
        (
            ("    RCC_AHB5ENSR = RCC_AHB5_SDMMC2;\n", ""),
            "R04=00000bad",
            "SDMMC2: a register was written while the block has no clock",
        ),
        (
            (
                "    RIFSC_RIMC_ATTR_SDMMC2 = RIFSC_RIMC_AS_THE_CORE;\n",
                "",
            ),
            "R04=0000600d R05=(?!00000000)",
            "SDMMC2: what it reads is zero and what it writes is lost: its master is not secure",
        ),
        (
            ("    nj_cache_lines_write_back(data, blocks * NJ_SDMMC_BLOCK);\n", ""),
            "R04=0000600d R05=(?!00000000)",
            "SDMMC2: it reads what memory holds, and not what the core has written",
        ),
        (
            ("    nj_cache_lines_drop(data, bytes);\n", ""),
            "R04=0000600d R05=(?!00000000)",
            "",
        ),
        (
            (
                "#define TAKEN ((uint8_t *)(uintptr_t)0x34030000u)",
                "#define TAKEN ((uint8_t *)(uintptr_t)0x30008000u)",
            ),
            r"R04=00000bad R05=\w+ R06=08000040",
            "SDMMC2: it reaches no memory at 30008000: AXISRAM1 to 6, and no TCM",
        ),
        (
            ("    return settle(card);\n", "    return true;\n"),
            r"R04=00000bad R05=\w+ R06=00100004",
            "it is still programming what was written before",
        ),
    ],
)
def test_a_forgotten_step_is_seen(
    tmp_path: Path, edit: tuple[str, str], ended: str, noted: str
) -> None:
    assert noted in ran(tmp_path, ended, edit=edit)


def test_no_card_is_told(tmp_path: Path) -> None:
    said = ran(tmp_path, r"R04=00000bad R05=\w+ R06=00000004", size=0)
    assert "card: there is none" in said


def test_a_card_of_another_kind_is_told(tmp_path: Path) -> None:
    other = ('!= 0 || failed(card, "a card of standard', '== 0 || failed(card, "a card of standard')
    ran(tmp_path, r"R04=00000bad R05=\w+ R06=00000040", edit=other)


def test_an_image_of_no_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="multiple of 524288 bytes"):
        ran(tmp_path, "R04=", size=UNIT + 512)

"""A program that records from the microphone with the port's driver, and each step forgotten."""

import shutil
import wave
from pathlib import Path

import pytest

from firmware.tests.testing_n6_bare import FIRMWARE, PORT, link
from host.boards.n6_image import first_stage
from host.boards.virtual_n6.build import find
from host.boards.virtual_n6.nor_test import run

DRIVER = ("nj_mdf.c", "nj_gpdma.c", "nj_cache_lines.c")

pytestmark = [
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc"),
]


def recording(path: Path, rate: int, samples: int) -> None:
    """Samples of 7919 i, modulo 2^16."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(
            b"".join((i * 7919 & 0xFFFF).to_bytes(2, "little") for i in range(samples))
        )


def linked(folder: Path, edit: tuple[str, str]) -> Path:
    """The program, with `edit` made once in its source or in the driver's."""
    texts = {"microphone.c": (FIRMWARE / "tests/n6/microphone.c").read_text()}
    texts |= {name: (PORT / name).read_text() for name in DRIVER}
    assert not edit[0] or sum(text.count(edit[0]) for text in texts.values()) == 1, edit
    for name, text in texts.items():
        (folder / name).write_text(text.replace(*edit) if edit[0] else text)
    return link(folder / "microphone.elf", "stm32n6570_dk", [folder / name for name in texts])


def ran(folder: Path, wanted: str, *, edit: tuple[str, str] = ("", ""), rate: int = 48000) -> str:
    (folder / "nor").write_bytes(first_stage(linked(folder, edit)).data)
    recording(folder / "heard.wav", rate, 100_000)
    return run(folder, wanted, more=",microphone=heard.wav")


def test_what_is_heard_is_read_without_a_gap(tmp_path: Path) -> None:
    more_than_the_ring = ("#define WANTED 600u", "#define WANTED 34000u")
    said = ran(tmp_path, "R04=0000600d R05=00000000 R06=00000000", edit=more_than_the_ring)
    assert "note:" not in said


def test_what_nobody_reads_in_time_is_counted(tmp_path: Path) -> None:
    late = ("#define WAIT 2000u", "#define WAIT (look == 1u ? 9000000u : 2000u)")
    ran(tmp_path, "R04=0000600d R05=00000000 R06=(?!00000000)", edit=late)


@pytest.mark.parametrize(
    ("edit", "ended", "noted"),
    [
        (
            ("    RCC_CCIPR5 = (RCC_CCIPR5 & ~RCC_CCIPR5_MDF1SEL) | RCC_CCIPR5_MDF1SEL_IC8;\n", ""),
            "R04=0000600d",
            "has 48000 samples a second, and the filter takes 97656.250 of it",
        ),
        (
            ("    GPDMA1_SECCFGR = GPDMA1_SECCFGR | GPDMA_CHANNEL6;\n", ""),
            "R04=0000511e R05=00000000 R06=0000[7-9a]",
            "GPDMA1 channel 6: what it reads is zero and what it writes is lost: its channel is not",
        ),
        (
            ("    nj_cache_lines_write_back(item, sizeof *item);\n", ""),
            "GPDMA1 [0-9a-f]+: no transfer that is modelled",
            "GPDMA1 channel 6: it reads what memory holds, and not what the core has written",
        ),
        (
            (
                "        nj_cache_lines_drop(&mdf->ring[first], 2u * (place + run - first));\n",
                "        (void)first;\n",
            ),
            "R04=0000600d R05=(?!00000000)",
            "",
        ),
    ],
)
def test_a_forgotten_step_is_seen(
    tmp_path: Path, edit: tuple[str, str], ended: str, noted: str
) -> None:
    assert noted in ran(tmp_path, ended, edit=edit)

"""A program that drives the NPU as firmware does: its interrupt, sleep, and each step forgotten."""

import shutil
from pathlib import Path

import pytest

from firmware.tests.testing_n6_bare import FIRMWARE, PORT, link
from firmware.tests.testing_n6_npu import header, network
from host.boards.n6_image import first_stage
from host.boards.virtual_n6.build import find
from host.boards.virtual_n6.nor_test import run

pytestmark = [
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc"),
]


@pytest.fixture(scope="module")
def epochs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with npu_epochs.h: a convolution, and a pooling of something else."""
    folder = tmp_path_factory.mktemp("epochs")
    (folder / "npu_epochs.h").write_text(header(network("pointwise", "pool")))
    return folder


def linked(folder: Path, epochs: Path, edit: tuple[str, str]) -> Path:
    """The program, with `edit` made in its source or in the port's."""
    text = (FIRMWARE / "tests/n6/npu.c").read_text()
    memory = (PORT / "nj_memory.c").read_text()
    assert not edit[0] or text.count(edit[0]) + memory.count(edit[0]) == 1, edit
    source, spoilt = folder / "npu.c", folder / "nj_memory.c"
    source.write_text(text.replace(*edit) if edit[0] else text)
    spoilt.write_text(memory.replace(*edit) if edit[0] else memory)
    return link(folder / "npu.elf", "stm32n6570_dk", [source, spoilt], include=[epochs])


def ran(folder: Path, epochs: Path, wanted: str, *, edit: tuple[str, str] = ("", "")) -> str:
    (folder / "nor").write_bytes(first_stage(linked(folder, epochs, edit)).data)
    return run(folder, wanted)


def test_a_convolution_and_a_pooling_by_registers_and_by_a_program(
    tmp_path: Path, epochs: Path
) -> None:
    said = ran(tmp_path, epochs, "R04=0000600d R05=00000000")
    assert "note:" not in said


@pytest.mark.parametrize(
    ("edit", "ended", "noted"),
    [
        (
            ("    RCC_AHB5LPENSR = RCC_AHB5_NPU;\n", ""),
            "R04=00001a7e",
            "the core sleeps, and its sleep clock is off (bit 31 of RCC_AHB5LPENR)",
        ),
        (
            ("    RIFSC_RIMC_NPU = RIMC_AS_THE_CORE;\n", ""),
            "NPU: a program: an epoch controller program that is damaged .*: magic = 0 ",
            "not secure, privileged and of compartment 1 (RIFSC_RIMC_ATTR1)",
        ),
        (
            (
                "        each_line(&SCB_DCCMVAC, &what[i]); /* for the NPU */\n",
                "        (void)what;\n",
            ),
            "R04=0000600d R05=(?!00000000)",
            "it reads what memory holds, and not what the core has written from 340",
        ),
        (
            ("        each_line(&SCB_DCIMVAC, &npu_expected[i]); /* for the core */\n", ""),
            "R04=0000600d R05=(?!00000000)",
            "",
        ),
        (("        INTERRUPTS_ALL0 = ~epoch->engines;\n", ""), "R04=00001a7e", ""),
        (("    NVIC_ENABLE(NJ_IRQ_NPU0) = NVIC_BIT(NJ_IRQ_NPU0);\n", ""), "R04=00001a7e", ""),
        (
            ("RCC_MEMLPENSR = RCC_MEM_AXISRAM3_TO_6 | ", "RCC_MEMLPENSR = "),
            "R04=0000600d R05=(?!00000000)",
            "the NPU reads zero and writes nothing: it has no clock",
        ),
        (
            ("    CLOCKS_UNITS = 0xFFFFFFFFu;\n", ""),
            "an epoch: a unit that runs without its clock: CLOCKS.UNITS = 0 .*, pc 3418",
            "",
        ),
    ],
)
def test_a_forgotten_step_is_seen(
    tmp_path: Path, epochs: Path, edit: tuple[str, str], ended: str, noted: str
) -> None:
    assert noted in ran(tmp_path, epochs, ended, edit=edit)

"""The core's clock of an STM32N6 by option: what is measured follows it, and what a supply cannot carry is refused."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.boards.virtual_n6.build import find
from host.build import build
from host.bundle import Subject
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.errors import BadInput
from model_gen.codegen.project.generate import generate
from model_gen.codegen.testing.net import make_net

pytestmark = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"
)
NANOSECONDS = 2**6  # of virtual time, an instruction
SUBJECT = Subject(Path("small.tflite"), make_net(1).tflite())


@pytest.fixture
def boards() -> Iterator[Path]:
    """A short path: a unix socket's name is short."""
    folder = Path(tempfile.mkdtemp(prefix="nj-"))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(find() is None, reason="make n6-virtual")
def test_a_nucleo_runs_at_800(tmp_path: Path, boards: Path) -> None:
    """Its baud rate, HELLO's clocks and every tensor are right; the instructions are those of 600."""
    counts = []
    for mhz in (600, 800):
        project = generate(SUBJECT, "nucleo-n657x0-q", tmp_path / str(mhz), cpu_mhz=mhz)
        build(project, Deadline.after(300))
        verdict = prove(Session(project, SUBJECT, "n6-virtual", vectors=1, seed=1, root=boards))
        assert verdict.exact
        assert verdict.proved.clocks[0] == mhz * 1_000_000
        counts.append(verdict.cost.model)
    assert counts[0] == counts[1]


@pytest.mark.skipif(find() is None, reason="make n6-virtual")
def test_a_millisecond_of_systick_is_one_at_every_clock(tmp_path: Path, boards: Path) -> None:
    """The virtual chip's time is its instructions: a wait of 20 ms takes as many of them, whatever the core's clock."""
    counts = []
    for mhz in (600, 800):
        project = generate(
            SUBJECT, "stm32n6570-dk", tmp_path / str(mhz), cpu_mhz=mhz, weights="nor"
        )
        main = project.path / "board/nj_main.c"
        text, place = main.read_text(), "    nj_clock_read(clocks);\n"
        assert text.count(place) == 1
        counted = """    struct nj_wait wait;
    nj_cost_begin(0);
    nj_wait_start(&wait, 20);
    while (!nj_wait_over(&wait)) {
    }
    clocks[3] = (uint32_t)nj_cost_end(0);
"""
        main.write_text('#include "nj_wait.h"\n' + text.replace(place, place + counted))
        build(project, Deadline.after(300))
        verdict = prove(Session(project, SUBJECT, "n6-virtual", vectors=1, seed=1, root=boards))
        assert verdict.proved.clocks[0] == mhz * 1_000_000
        counts.append(verdict.proved.clocks[3])
    assert counts[0] == pytest.approx(20_000_000 / NANOSECONDS, rel=0.01)
    assert counts[1] == pytest.approx(counts[0], rel=0.01)


def made(folder: Path, *options: str) -> str:
    """What CMake and the compiler complain of."""
    tools = Path(sys.executable).parent
    ninja = f"-DCMAKE_MAKE_PROGRAM={tools / 'ninja'}"
    done = subprocess.run(
        [tools / "cmake", "-G", "Ninja", ninja, *options, "-S", folder, "-B", folder / "build"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        return " ".join(done.stderr.split())
    command = [tools / "cmake", "--build", folder / "build"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return " ".join(done.stdout.split()) if done.returncode else ""


def test_what_a_supply_cannot_carry_is_refused_with_the_reason(tmp_path: Path) -> None:
    kit = generate(SUBJECT, "stm32n6570-dk", tmp_path / "kit").path
    assert "listens" not in made(kit, "-DNJ_CPU_MHZ=600", "-DNJ_DK_REVISION=B01")
    said = made(kit, "-DNJ_CPU_MHZ=800", "-DNJ_DK_REVISION=B01")
    assert "before revision C01 (NJ_DK_REVISION=B01) is asked for it by I2C" in said
    other = generate(SUBJECT, "stm32n6570-dk", tmp_path / "other", cpu_mhz=800).path
    header = other / "board/nj_kind.h"
    lines = header.read_text().splitlines()
    header.write_text("\n".join(one for one in lines if "RAISED_BY_PF4" not in one) + "\n")
    assert "nothing of ours asks this board's converter for it" in made(other)


def test_no_other_clock_is_taken(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="runs at 600 MHz or 800 MHz"):
        generate(SUBJECT, "stm32n6570-dk", tmp_path / "x", cpu_mhz=700)
    with pytest.raises(BadInput, match="virtual has no clock that can be set"):
        generate(SUBJECT, "virtual", tmp_path / "x", cpu_mhz=600)
    kit = generate(SUBJECT, "stm32n6570-dk", tmp_path / "kit").path
    assert "NJ_CPU_MHZ is 600, or 800 where the supply allows" in made(kit, "-DNJ_CPU_MHZ=700")

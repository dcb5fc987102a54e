"""Bare-metal programs on the N6's port, linked as beside.cmake links the first stage."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

FIRMWARE = Path(__file__).resolve().parents[1]
PORT = FIRMWARE / "boards" / "stm32n6"
PROGRAMS = FIRMWARE / "tests" / "n6"


def link(elf: Path, board: str, sources: Sequence[Path], *, include: Sequence[Path] = ()) -> Path:
    """`elf` of `sources`, and of the port's cache, supply and clocks; `board`: a folder of firmware/boards.

    The linker's script is written beside it.
    """
    script = elf.with_name("bare.ld")
    folders = (PORT, FIRMWARE / "boards" / board, FIRMWARE / "core", PROGRAMS, *include)
    gcc = ["arm-none-eabi-gcc", *(f"-I{folder}" for folder in folders)]
    preprocess = ["-E", "-P", "-x", "c", "-DNJ_BARE_END=NJ_FIRST_STAGE_END", PORT / "nj_bare.ld"]
    subprocess.run([*gcc, *preprocess, "-o", script], check=True, timeout=60)
    options = ["-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-std=c11", "-Os"]
    options += ["-mgeneral-regs-only", "-ffreestanding", "-fno-tree-loop-distribute-patterns"]
    options += ["-Wall", "-Wextra", "-Wconversion", "-Werror", "-DNJ_CPU_MHZ=600"]
    options += ["-nostartfiles", "-nostdlib", f"-T{script}", "-Wl,--build-id=none"]
    port = [PORT / name for name in ("nj_cache.c", "nj_supply.c", "nj_clock.c")]
    subprocess.run([*gcc, *options, *sources, *port, "-lgcc", "-o", elf], check=True, timeout=120)
    return elf

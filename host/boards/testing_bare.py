"""Bare-metal ELFs for tests of how firmware is loaded: a loop, and bytes where a test wants them."""

import subprocess
from pathlib import Path

CODE = 0x34000500
STACK = 0x30020000
RIGHT = 8


def link_bare(
    folder: Path,
    *,
    vectors: int = 0x34000400,
    code: int = CODE,
    constants: int = 0x34040000,
    text: str = "constants",
    first: str = "",
) -> Path:
    """An ELF that ends in the loop at `code` + RIGHT if it starts with its own stack, else in one behind.

    Args:
        folder: where it is made.
        vectors: address of its vector table: STACK and the reset handler.
        constants: address of `text`, which ends with a zero.
        first: instructions behind the look at the stack pointer; RIGHT moves by their size.
    """
    source = f"""
        .syntax unified
        .arch armv8.1-m.main
        .thumb
        .section .vectors, "a"
        .word {STACK:#x}, start
        .text
        .thumb_func
        .global start
        start: mov r0, sp
        ldr r1, ={STACK:#x}
        cmp r0, r1
        bne wrong
        {first}
        right: b right
        wrong: b wrong
        .section .rodata, "a"
        .asciz "{text}"
    """
    (folder / "bare.s").write_text(source)
    subprocess.run(["arm-none-eabi-as", "bare.s", "-o", "bare.o"], cwd=folder, check=True)
    link = ["arm-none-eabi-ld", "-n", f"--section-start=.vectors={vectors:#x}", f"-Ttext={code:#x}"]
    link += [f"--section-start=.rodata={constants:#x}", "-e", "start", "bare.o", "-o", "bare.elf"]
    subprocess.run(link, cwd=folder, check=True)
    return folder / "bare.elf"

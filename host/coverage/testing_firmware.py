"""For tests: firmware in assembly, small enough to say by hand what it executes and reads."""

import shutil
import subprocess
from pathlib import Path

import pytest

from host.coverage.image import Image, read_image
from host.coverage.marks import Marks
from host.coverage.steps import find_steps

TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm", "gcc")
needs_tools = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"
)
MACHINE = [
    *("-M", "mps3-an547", "-nodefaults", "-display", "none", "-icount", "shift=6"),
    *("-semihosting-config", "enable=on,target=native"),
]
TABLE = 0x70000000  # where `table` lies, 8192 bytes
_LAYOUT = """
ENTRY(nj_reset)
MEMORY
{
    CODE (rx) : ORIGIN = 0x10000000, LENGTH = 512K
    DTCM (rw) : ORIGIN = 0x30000000, LENGTH = 512K
    FLASH (r) : ORIGIN = 0x70000000, LENGTH = 64M
}
SECTIONS
{
    .vectors : { KEEP(*(.vectors)) } > CODE
    .engine_text : ALIGN(16) { *(.engine_text) } > CODE
    .text : ALIGN(16) { nj_text_begin = .; *(.text) . = ALIGN(8); nj_text_end = .; } > CODE
    .rodata : ALIGN(16) { *(.rodata) } > FLASH
    .bss : { *(.bss) } > DTCM
}
"""
_START = """
    .syntax unified
    .thumb
    .section .vectors, "a"
    .word 0x30010000
    .rept 15
    .word nj_reset + 1
    .endr

    .macro function name
    .balign 4
    .type \\name, %function
\\name:
    .endm
    .macro end name
    .size \\name, . - \\name
    .endm

    .text
    function nj_reset
    .global nj_reset
    ldr r0, =0xE000ED88
    ldr r1, [r0]
    orr r1, r1, #0xF00000
    str r1, [r0]
    dsb
    isb
    mov r2, #0x40000 @ LTPSIZE 4: no tail predication
    vmsr fpscr, r2
    bl main
    ldr r1, =0x20026 @ semihosting: the application ends
    movs r0, #0x18
    bkpt 0xab
    b .
    .ltorg
    end nj_reset

    function nj_dispatch
    bx lr
    end nj_dispatch

    .section .rodata
    .balign 16
    .type table, %object
    .size table, 8192
table:
    .fill 8192, 1, 0x11

    .section .bss, "aw", %nobits
buffer: .space 256
"""


def assembled(folder: Path, source: str) -> Path:
    """An ELF that runs `main` of `source` and ends. r6 is free for the address of `table`."""
    (folder / "layout.ld").write_text(_LAYOUT)
    (folder / "firmware.s").write_text(_START + source)
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-nostdlib"]
    command += ["-T", "layout.ld", "-o", "firmware.elf", "firmware.s"]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    return folder / "firmware.elf"


def emulated(elf: Path, *more: str) -> None:
    """Run it to its end in QEMU, with `more` arguments, without any host that talks to it."""
    subprocess.run(
        ["qemu-system-arm", *MACHINE, "-kernel", str(elf), *more],
        cwd=elf.parent,
        check=True,
        timeout=60,
    )


def marked(elf: Path, steps: int | None) -> tuple[Image, Marks]:
    """Run it to its end under the plugin; with None, no step is told apart."""
    image = read_image(elf)
    marks = Marks(elf.parent, image, None if steps is None else find_steps(image, steps))
    emulated(elf, *marks.arguments())
    return image, marks

"""A virtual STM32N6 started anew by its debugger, with flags of our choice in its RCC_RSR: why it was reset."""

from host.boards.gdb import PROGRAM, command_line
from host.boards.gdb_script import QEMU, Start, Target, connected, started
from host.boards.n6_virtual import development_boot
from host.boards.record import Record
from host.deadline import Deadline
from host.n6_layout import layout
from host.tools import run_leashed

# firmware/boards/stm32n6/nj_registers.h
_RSR = 0x56028034
_REMOVE, _PIN = 1 << 16, 1 << 22
BROWN_OUT = 1 << 21 | _PIN
WATCHDOG = 1 << 26 | _PIN
_STORE = 0x6001  # str r1, [r0]
_SECONDS = 60.0


def restart(record: Record, flags: int) -> None:
    """Reset the chip of a kept board, and let its firmware begin with these flags.

    A register is written by an instruction of the core's, as QEMU's debugger writes memory alone.
    """
    at = layout()
    scratch = at["AXISRAM2"] + at["AXISRAM2_BYTES"] - 16
    store = [f"set *(unsigned short *){scratch:#x} = {_STORE:#x}", f"set $r0 = {_RSR:#x}"]
    for value in (_REMOVE, flags):
        store += [f"set $r1 = {value:#x}", f"set $pc = {scratch:#x}", "stepi"]
    begin, reset = started(QEMU, Start.in_memory(development_boot().vectors), ()), 2
    steps = [*begin[:reset], "set $xpsr = 0x1000000", *store, *begin[reset:], *QEMU.go, "detach"]
    script = record.folder / "restart.gdb"
    script.write_text(connected(Target.parse(str(record.gdb)), steps, int(_SECONDS)))
    code, said = run_leashed(
        [PROGRAM, *command_line(str(script), None)[1:]],
        Deadline.after(_SECONDS),
        folder=record.folder,
    )
    if code != 0:
        raise RuntimeError(f"gdb did not start the chip anew: {said[-600:]}")

"""Programs of the epoch controller: epochs as records of nj_npu_units.h become 32-bit words.

`Assembler` knows instructions, `program` a list of epochs; `text` prints as generated code has it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from host.npu.testing import registers
from host.npu.testing.records import NUMBERS
from host.npu.testing.registers import FIELDS, Write

MAGIC = 0xCA057A7A
PATIENCE = 100  # of a poll
WRITE, BIT, SAME, INCREASING, POLL, END, MARK = 0, 1, 2, 3, 4, 12, 29
_LONGEST = 0x7FF  # words of a burst
_CLEAR, _CLEAR_SETTINGS, _RUNNING = 1, 30, 31
_UNITS = {
    "CONV": registers.conv,
    "ARITH": registers.arith,
    "POOL": registers.pool,
    "STREAM": registers.stream,
}


class Assembler:
    """A program that grows; `words` are its instructions without head and end."""

    def __init__(self) -> None:
        self.words: list[int] = []

    def write(self, offset: int, *values: int, same: bool = False) -> None:
        """Whole registers from `offset` on, or all into one."""
        if len(values) == 1:
            self.words += [_instruction(offset, WRITE, 31 << 10), values[0]]
            return
        for first in range(0, len(values), _LONGEST):
            part = values[first : first + _LONGEST]
            at = offset if same else offset + 4 * first
            self.words += [_instruction(at, SAME if same else INCREASING, len(part) << 5), *part]

    def bit(self, offset: int, bit: int, value: int) -> None:
        self.words.append(_instruction(offset, BIT, value << 13 | bit << 5))

    def poll(self, offset: int, bit: int) -> None:
        """Until a bit is 0."""
        self.words += [_instruction(offset, POLL, bit << 10 | bit << 5), PATIENCE, 0]

    def mark(self, number: int) -> None:
        self.words.append(number << 5 | MARK)

    def settings(self, writes: Iterable[Write]) -> None:
        """Neighbours become bursts."""
        run: list[Write] = []
        for write in writes:
            if run and write.offset != run[-1].offset + 4:
                self.write(run[0].offset, *(each.value for each in run))
                run = []
            run.append(write)
        if run:
            self.write(run[0].offset, *(each.value for each in run))

    def clear(self, start: int) -> None:
        """Stop a unit and forget its settings."""
        for bit in (_CLEAR, _CLEAR_SETTINGS):
            self.write(start, 1 << bit)
            self.poll(start, bit)

    def program(self) -> list[int]:
        """The whole: head, instructions, end."""
        return [MAGIC, len(self.words) + 1, *self.words, END]


def _instruction(offset: int, opcode: int, rest: int) -> int:
    if offset % 4 or not 0 <= offset < 1 << 18:
        raise ValueError(f"a register lies at a multiple of 4 below 0x40000. Received: {offset:#x}")
    return offset // 4 << 16 | rest | opcode


def program(epochs: Sequence[Any], numbers: Sequence[int] | None = None) -> list[int]:
    """The program that runs records of `nj_npu_epoch` one after another.

    Args:
        epochs: ctypes structures of `records.structures()["epoch"]`.
        numbers: what each is marked with; 1, 2, ... by default.

    Raises:
        ValueError: a field does not fit its register, or no writing engine is enabled.
    """
    assembler = Assembler()
    for number, epoch in zip(numbers or range(1, len(epochs) + 1), epochs, strict=True):
        assembler.mark(number)
        write_epoch(assembler, epoch)
    return assembler.program()


def _enabled(epoch: Any, kind: str) -> list[int]:
    mask = epoch.enabled[NUMBERS[f"NJ_NPU_{kind}"]]
    return [index for index in range(32) if mask >> index & 1]


def write_epoch(assembler: Assembler, epoch: Any) -> None:
    """What sets up an epoch's units, runs it to its end and clears them.

    Raises:
        ValueError: as `program`.
    """
    units = [(kind, index) for kind in _UNITS for index in _enabled(epoch, kind)]
    writing = [index for index in _enabled(epoch, "STREAM") if epoch.stream[index].writes]
    if not writing:
        raise ValueError("an epoch ends when its writing engines have written. Received: none")
    for kind, index in units:
        assembler.bit(registers.CLOCKS_TOO, registers.clock(kind, index), 1)
        record = getattr(epoch, kind.lower())[index]
        assembler.settings(_UNITS[kind](record, index))
    switch = registers.base("SWITCH", 0)
    assembler.clear(switch)
    assembler.write(switch, 1)
    rows = [registers.row(epoch.link[i]) for i in range(epoch.links)]
    assembler.settings(sorted(rows, key=lambda write: write.offset))
    for kind, index in units:
        assembler.bit(registers.base(kind, index), FIELDS[kind, "ENABLED"].lsb, 1)
    for index in writing:
        assembler.poll(registers.base("STREAM", index), _RUNNING)
    for write in rows:
        assembler.write(write.offset, 0)
    for kind, index in units:
        assembler.clear(registers.base(kind, index))
        assembler.bit(registers.CLOCKS_TOO, registers.clock(kind, index), 0)


def text(name: str, words: Sequence[int]) -> str:
    """A program as generated code has it: 64-bit words, the first of two the lower."""
    padded = [*words, 0] if len(words) % 2 else list(words)
    pairs = [
        f"0x{high:08x}{low:08x}UL" for low, high in zip(padded[::2], padded[1::2], strict=True)
    ]
    lines = [", ".join(pairs[i : i + 4]) for i in range(0, len(pairs), 4)]
    return f"static const uint64_t {name} [] =\n{{\n  " + ",\n  ".join(lines) + "\n};\n"

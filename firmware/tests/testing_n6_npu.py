"""npu_epochs.h: a network of the NPU's tests as tables of register writes, a program, and bytes."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

from host.npu.testing import blob
from host.npu.testing.case import Case, case
from host.npu.testing.epoch_record import epoch_record
from host.npu.testing.program import WEIGHTS_BASE, Hardware
from host.npu.testing.registers import CLOCKS_TOO, LAST_FRAME, is_event

CONSTANTS = 0x34000000  # where they lie in place of the NOR: AXISRAM1
_RUNNING = 31


class Table(blob.Assembler):
    """An epoch as writes in the order of a program: those that start it, and those behind its end."""

    def __init__(self) -> None:
        super().__init__()
        self.start: list[tuple[int, int]] = []
        self.end: list[tuple[int, int]] = []
        self._held: dict[int, int] = {}
        self._ended = False

    def write(self, offset: int, *values: int, same: bool = False) -> None:
        for index, value in enumerate(values):
            at = offset if same else offset + 4 * index
            tells = LAST_FRAME if is_event(at) else 0
            (self.end if self._ended else self.start).append((at, value | tells))
            self._held[at] = value

    def bit(self, offset: int, bit: int, value: int) -> None:
        """The clocks of units are not gated: they stay on."""
        if offset != CLOCKS_TOO:
            self.write(offset, self._held.get(offset, 0) & ~(1 << bit) | value << bit)

    def poll(self, offset: int, bit: int) -> None:
        """That of an engine waits for the epoch; the others end at once."""
        self._ended = self._ended or bit == _RUNNING


def network(*kinds: str) -> Case:
    """One whose tensors share no memory, so that all of them are there in the end."""
    return next(
        one for one in (case(Random(seed), kinds, seed) for seed in range(99)) if _apart(one)
    )


def _apart(given: Case) -> bool:
    buffers = sorted(given.program.buffers, key=lambda buffer: buffer.address.absolute)
    return all(
        before.address.absolute + before.size <= after.address.absolute
        for before, after in pairwise(buffers)
    )


def records(given: Case) -> list[Any]:
    """The epochs, their constants at CONSTANTS."""
    found = []
    for epoch in given.program.epochs:
        assert isinstance(epoch, Hardware)
        record = epoch_record(given.program, epoch)
        for stream in record.stream:
            if stream.address >= WEIGHTS_BASE:
                stream.address += CONSTANTS - WEIGHTS_BASE
                stream.limit += CONSTANTS - WEIGHTS_BASE if stream.limit else 0
        found.append(record)
    return found


def header(given: Case) -> str:
    """The text of npu_epochs.h."""
    epochs, tables = [], []
    for number, record in enumerate(records(given)):
        table = Table()
        blob.write_epoch(table, record)
        for name, writes in (("start", table.start), ("end", table.end)):
            rows = ", ".join(f"{{{offset:#x}u, {value:#x}u}}" for offset, value in writes)
            tables.append(f"static const struct npu_write {name}_{number}[] = {{{rows}}};")
        engines = sum(1 << i for i in range(10) if record.stream[i].writes)
        sizes = f"start_{number}, {len(table.start)}, end_{number}, {len(table.end)}"
        epochs.append(f"    {{{sizes}, {engines:#x}u}},")
    inputs = [buffer for buffer in given.program.buffers if buffer.role == "input"]
    written = [buffer for buffer in given.program.buffers if buffer.epoch]
    places = [(CONSTANTS, given.program.image)]
    places += [(buffer.address.absolute, given.inputs[buffer.name]) for buffer in inputs]
    wanted = [(buffer.address.absolute, given.expected[buffer.name]) for buffer in written]
    words = blob.program(records(given))
    rows = ", ".join(f"{word:#x}u" for word in words)
    program = f"__attribute__((aligned(8))) static const uint32_t npu_program[] = {{{rows}}};"
    listed = ["static const struct npu_epoch npu_epochs[] = {", *epochs, "};"]
    tensors = [*_bytes("given", places), *_bytes("expected", wanted)]
    return "\n".join([*tables, *listed, program, *tensors, ""])


def _bytes(name: str, places: Sequence[tuple[int, bytes]]) -> list[str]:
    arrays = [
        f"static const uint8_t {name}_{number}[] = {{{', '.join(map(str, data))}}};"
        for number, (_, data) in enumerate(places)
    ]
    rows = [
        f"    {{(uint8_t *)(uintptr_t){where:#x}u, {name}_{number}, {len(data)}}},"
        for number, (where, data) in enumerate(places)
    ]
    return [*arrays, f"static const struct npu_bytes npu_{name}[] = {{", *rows, "};"]

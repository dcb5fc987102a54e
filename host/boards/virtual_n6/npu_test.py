"""The NPU over qtest: networks by register writes and by programs, and what it needs for them."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from host.boards.virtual_n6.build import find
from host.boards.virtual_n6.nor_test import connect, map_window
from host.boards.virtual_n6.trace_test import Chip
from host.npu.testing import blob
from host.npu.testing.case import Case, case
from host.npu.testing.epoch_record import epoch_record
from host.npu.testing.program import WEIGHTS_BASE, Hardware
from host.npu.testing.registers import CLOCKS_TOO, LAST_FRAME, is_event

pytestmark = pytest.mark.skipif(find() is None, reason="make n6-virtual")

NPU, RCC, RAMCFG, RIMC_NPU, RISAF6 = 0x580E0000, 0x56028000, 0x52023000, 0x54024C14, 0x5402B000
CONTROL, LATCHED, CLEARED, ANY, ALL = (NPU + 0x1000 + at for at in (0x00, 0x08, 0x10, 0x14, 0x24))
CONTROLLER = NPU + 0x1E000
SCB, CCR = 0xE000EF00, 0xE000ED14
DROP, WRITE_BACK = SCB + 0x5C, SCB + 0x68  # DCIMVAC, DCCMVAC
PROGRAM = 0x34080000  # where one is put
LONG = 1_000_000  # ns: longer than anything takes
STEPS = {
    "clock": (RCC + 0xA60, 1 << 31),
    "RIF's clock": (RCC + 0xA58, 1 << 9),
    "master": (RIMC_NPU, 0x310),
    "memory's clock": (RCC + 0xA4C, 0x18F),
    "RAMCFG's clock": (RCC + 0xA54, 1 << 12),
    **{f"power of {ram}": (RAMCFG + 0x80 * (ram - 1), 0) for ram in (3, 4, 5, 6)},
    "infrastructure": (NPU + 0x08, 0xFFFFFFFF),
    "units": (NPU + 0x10, 0xFFFFFFFF),
    "interface 0": (NPU + 0x2000, 1),
    "interface 1": (NPU + 0x3000, 1),
    "interrupts": (CONTROL, 1),
}

Start = Callable[..., Chip]


class Bus(blob.Assembler):
    """What would become a program is written and read at once."""

    def __init__(self, chip: Chip) -> None:
        super().__init__()
        self._chip = chip

    def write(self, offset: int, *values: int, same: bool = False) -> None:
        for index, value in enumerate(values):
            at = offset if same else offset + 4 * index
            self._chip.write(NPU + at, value | LAST_FRAME if is_event(at) else value)

    def bit(self, offset: int, bit: int, value: int) -> None:
        word = self._chip.read(NPU + offset) & ~(1 << bit)
        self._chip.write(NPU + offset, word | value << bit)

    def poll(self, offset: int, bit: int) -> None:
        for _ in range(2):
            if not self._chip.read(NPU + offset) >> bit & 1:
                return
            self._chip.wait(LONG)
        raise TimeoutError(f"bit {bit} of {offset:#x}")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A chip with a network's constants in its NOR, set up but for one step."""
    made: list[Chip] = []

    def one(given: Case, but: str = "", *, cached: bool = False) -> Chip:
        with (tmp_path / "nor").open("wb") as nor:
            nor.seek(WEIGHTS_BASE - 0x70000000)
            nor.write(given.program.image)
        chip = Chip(tmp_path, f",nor={tmp_path}/nor")
        made.append(chip)
        if not cached:
            stop_the_data_cache(chip)
        connect(chip)
        map_window(chip)
        for name, (address, value) in STEPS.items():
            if name != but:
                chip.write(address, value)
        for buffer in given.program.buffers:
            if buffer.role == "input":
                chip.put(buffer.address.absolute, given.inputs[buffer.name])
        return chip

    yield one
    for chip in made:
        chip.close()


def stop_the_data_cache(chip: Chip) -> None:
    """That which the boot ROM has left on; every line of it is written back."""
    chip.write(CCR, 0)
    for way in range(4):
        for line in range(256):
            chip.write(SCB + 0x74, line << 5 | way << 30)


def each_line(chip: Chip, operation: int, given: Case, roles: tuple[str, ...]) -> None:
    """An operation on each line of the tensors of some roles."""
    for buffer in given.program.buffers:
        if buffer.role in roles:
            first = buffer.address.absolute & ~31
            for at in range(first, buffer.address.absolute + buffer.size, 32):
                chip.write(operation, at)


def network(*kinds: str, seed: int = 1) -> Case:
    return case(Random(seed), kinds, seed)


def records(given: Case) -> list[Any]:
    found = []
    for epoch in given.program.epochs:
        assert isinstance(epoch, Hardware)
        found.append(epoch_record(given.program, epoch))
    return found


def tensors(chip: Chip, given: Case, epoch: int) -> dict[str, bytes]:
    return {
        buffer.name: chip.get(buffer.address.absolute, buffer.size)
        for buffer in given.program.buffers
        if buffer.epoch == epoch
    }


def by_registers(chip: Chip, given: Case) -> dict[str, bytes]:
    """Every tensor right behind its epoch."""
    found: dict[str, bytes] = {}
    for number, record in enumerate(records(given), 1):
        blob.write_epoch(Bus(chip), record)
        found |= tensors(chip, given, number)
    return found


def test_every_tensor_by_register_writes(start: Start) -> None:
    given = network("pointwise", "pool", "accumulated", "add", "deep")
    assert by_registers(start(given), given) == given.expected


def started(chip: Chip, words: list[int]) -> None:
    """A program in memory, begun."""
    chip.put(PROGRAM, struct.pack(f"<{len(words)}I", *words))
    chip.write(CONTROLLER + 0x08, PROGRAM)
    chip.write(CONTROLLER, 1)


def test_a_program_of_the_epoch_controller(start: Start) -> None:
    given = network("pointwise", "pool", "residual", seed=2)
    chip = start(given)
    chip.write(ANY, ~(1 << 28) & 0xFFFFFFFF)
    started(chip, blob.program(records(given)))
    assert chip.read(CONTROLLER) == 1 | 1 << 31, "it runs"
    chip.wait(LONG)
    assert chip.read(CONTROLLER) == 1
    assert (chip.read(CONTROLLER + 0x0C), chip.read(LATCHED)) == (1, 1 << 28)
    last = len(given.program.epochs)
    assert chip.read(CONTROLLER + 0x1C) == last, "the last mark"
    assert chip.read(CONTROLLER + 0x20) > 50 * last, "instructions"
    found = {
        name: data for n in range(1, last + 1) for name, data in tensors(chip, given, n).items()
    }
    assert found == given.expected
    chip.write(CLEARED, 1 << 28)
    assert chip.read(LATCHED) == 1 << 28, "as long as the controller says it"
    chip.write(CONTROLLER + 0x0C, 1)
    chip.write(CLEARED, 1 << 28)
    assert chip.read(LATCHED) == 0
    chip.write(CONTROLLER, 1 << 1)
    started(chip, blob.program(records(given)))
    assert chip.read(CONTROLLER) >> 31 == 1, "and again"


def test_an_epoch_tells_its_end_where_that_was_asked_for(start: Start) -> None:
    given = network("pointwise")
    chip = start(given)
    (record,) = records(given)
    writing = sum(1 << i for i in range(10) if record.stream[i].writes)
    blob.write_epoch(Bus(chip), record)
    assert chip.read(LATCHED) == writing
    chip.write(CLEARED, writing)
    assert chip.read(LATCHED) == 0, "the engine was cleared behind its epoch"


@pytest.mark.parametrize(
    ("step", "noted"),
    [
        (
            "clock",
            "NPU: a register was written while the block has no clock: bit 31 of RCC_AHB5ENR",
        ),
        ("master", "not secure, privileged and of compartment 1 (RIFSC_RIMC_ATTR1)"),
        ("RIF's clock", "RIFSC: a register was written while the block has no clock"),
    ],
)
def test_a_forgotten_step_leaves_memory_as_it_was(start: Start, step: str, noted: str) -> None:
    given = network("pointwise")
    chip = start(given, step)
    before = tensors(chip, given, 1)
    assert by_registers(chip, given) == before
    assert noted in chip.said()


def test_memory_without_power_is_zero(start: Start) -> None:
    given = next(
        one
        for one in (network("pointwise", seed=seed) for seed in range(100))
        if min(buffer.address.base for buffer in one.program.buffers if buffer.epoch) > 0x34200000
    )
    (output,) = (buffer for buffer in given.program.buffers if buffer.epoch)
    ram = 3 + (output.address.base - 0x34200000) // 0x70000
    chip = start(given, f"power of {ram}")
    assert by_registers(chip, given)[output.name] == bytes(output.size)
    assert f"AXISRAM{ram}: the NPU reads zero and writes nothing: it is shut down" in chip.said()
    chip.write(RAMCFG + 0x80 * (ram - 1), 0)
    assert tensors(chip, given, 1)[output.name] != given.expected[output.name], "lost"
    assert by_registers(chip, given) == given.expected


def test_a_region_of_a_risaf_keeps_the_npu_out(start: Start) -> None:
    given = next(
        one
        for one in (network("pointwise", seed=seed) for seed in range(100))
        if min(buffer.address.base for buffer in one.program.buffers if buffer.epoch) > 0x34200000
    )
    chip = start(given)
    before = tensors(chip, given, 1)
    chip.write(RCC + 0xA58, 1 << 14)
    chip.write(RISAF6 + 0x48, 0x1BFFFF)
    chip.write(RISAF6 + 0x4C, 1 << 1)
    chip.write(RISAF6 + 0x40, 0x101)
    assert by_registers(chip, given) == before, "to be read only"
    assert "RISAF6: the NPU writes nothing in AXISRAM from 34200000" in chip.said()
    chip.write(RISAF6 + 0x4C, 1 << 1 | 1 << 17)
    assert by_registers(chip, given) == given.expected


def test_behind_the_data_cache_each_has_its_own_until_it_is_told(start: Start) -> None:
    given = next(
        one
        for one in (network("pointwise", seed=seed) for seed in range(100))
        if len({buffer.address.base for buffer in one.program.buffers}) == len(one.program.buffers)
    )
    chip = start(given, cached=True)
    before = tensors(chip, given, 1)
    assert by_registers(chip, given) == before, "the core's copy"
    assert "NPU: it reads what memory holds, and not what the core has written" in chip.said()
    each_line(chip, DROP, given, ("output",))
    assert tensors(chip, given, 1) not in (before, given.expected), "of what was not written back"
    each_line(chip, WRITE_BACK, given, ("input",))
    assert by_registers(chip, given) != given.expected
    each_line(chip, DROP, given, ("output",))
    assert tensors(chip, given, 1) == given.expected


def test_what_the_core_has_written_is_lost_with_its_line(start: Start) -> None:
    chip = start(network("pointwise"), cached=True)
    chip.write(PROGRAM, 1)
    chip.write(WRITE_BACK, PROGRAM + 4)
    chip.write(PROGRAM, 2)
    chip.write(DROP, PROGRAM + 8)
    assert chip.read(PROGRAM) == 1
    assert (
        f"a line of the data cache was dropped with what the core had written: {PROGRAM:08x}"
        in chip.said()
    )


def test_a_whole_set_is_written_back_when_all_its_ways_are(start: Start) -> None:
    chip = start(network("pointwise"), cached=True)
    chip.write(PROGRAM, 1)
    for way in range(4):
        chip.write(SCB + 0x6C, PROGRAM & 0x1FE0 | way << 30)  # DCCSW
    chip.write(PROGRAM, 2)
    chip.write(DROP, PROGRAM)
    assert chip.read(PROGRAM) == 1


def test_an_interface_that_is_off_lets_it_wait(start: Start) -> None:
    given = network("pointwise")
    chip = start(given, "interface 1")
    with pytest.raises(TimeoutError):
        by_registers(chip, given)
    assert "NPU: what was started waits: bus interface 1 is off" in chip.said()
    chip.write(*STEPS["interface 1"])
    chip.wait(LONG)
    assert tensors(chip, given, 1) == given.expected


def test_a_controller_without_its_clock_waits(start: Start) -> None:
    given = network("pointwise")
    chip = start(given, "units")
    started(chip, blob.program(records(given)))
    chip.wait(LONG)
    assert chip.read(CONTROLLER) >> 31 == 1
    assert "the epoch controller has no clock (bit 25 of CLKCTRL_BGATES is 0)" in chip.said()


def test_a_reset_by_rcc_is_whole(start: Start) -> None:
    chip = start(network("pointwise"))
    chip.write(RCC + 0xA20, 1 << 31)
    assert chip.read(NPU + 0x10) == 0
    chip.write(NPU + 0x10, 1)
    chip.write(RCC + 0x1220, 1 << 31)
    assert chip.read(NPU + 0x10) == 0
    assert "NPU: a register was written while the block is held in reset" in chip.said()


class Ungated(Bus):
    """One that lets no unit have its clock."""

    def bit(self, offset: int, bit: int, value: int) -> None:
        if offset != CLOCKS_TOO:
            super().bit(offset, bit, value)


def unclocked(chip: Chip, given: Case) -> None:
    chip.write(NPU + 0x10, 0)
    blob.write_epoch(Ungated(chip), records(given)[0])


def spoilt(chip: Chip, given: Case) -> None:
    words = blob.program(records(given))
    started(chip, [*words[:-1], 13])
    chip.wait(LONG)


def far(chip: Chip, given: Case) -> None:
    record = records(given)[0]
    for stream in record.stream:
        stream.address = 0x30000000  # DTCM
        stream.limit = 0
    blob.write_epoch(Bus(chip), record)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (unclocked, r"NPU: \w+ \d: an epoch: a unit that runs without its clock: CLOCKS.UNITS"),
        (spoilt, "NPU: a program: an epoch controller program that is damaged .*: opcode = 13"),
        (far, r"NPU: STRENG \d: an epoch: an address that memory lacks: address = \d+ at 3000"),
        (lambda chip, _: chip.write(NPU + 0x1F000, 1), "an unknown register = 1 at 580ff000"),
        (lambda chip, _: chip.read(CONTROL + 0x34), "an unknown register = 0 at 580e1034"),
        (lambda chip, _: chip.write(CONTROLLER + 8, 4), "does not begin at a multiple of 8 = 4"),
    ],
)
def test_what_is_not_understood_ends_the_run(
    start: Start, wrong: Callable[[Chip, Case], object], said: str
) -> None:
    given = network("pointwise")
    chip = start(given)
    with pytest.raises(RuntimeError, match=said):
        wrong(chip, given)

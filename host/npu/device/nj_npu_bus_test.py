"""The NPU as a bus sees it: interrupt controller, bus interfaces, epoch controller."""

import ctypes
from pathlib import Path
from random import Random

import pytest

from host.npu.testing.native import fault_of, structures_of_machine

INTERRUPTS, INTERFACES, CONTROLLER = 0x1000, 0x2000, 0x1E000
LATCHED, SET, CLEARED, ANY, ALL = (INTERRUPTS + at for at in (0x08, 0x0C, 0x10, 0x14, 0x24))
EVERY = 0xFFFFFFFF


class Bus:
    """`struct nj_npu_bus` after a reset. A refused access is a ValueError with what was told."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._bytes = ctypes.create_string_buffer(1 << 16)  # more than the struct has
        self._library.nj_npu_bus_reset(self._bytes)
        self._library.nj_npu_bus_busy.restype = ctypes.c_bool
        self._library.nj_npu_bus_waits_for.restype = ctypes.c_char_p

    def write(self, offset: int, value: int) -> None:
        error = structures_of_machine()["error"]()
        arguments = (self._bytes, ctypes.c_uint32(offset), ctypes.c_uint32(value))
        if self._library.nj_npu_bus_write(*arguments, ctypes.byref(error)):
            raise ValueError(fault_of(error))

    def read(self, offset: int) -> int:
        error, value = structures_of_machine()["error"](), ctypes.c_uint32()
        arguments = (self._bytes, ctypes.c_uint32(offset), ctypes.byref(value))
        if self._library.nj_npu_bus_read(*arguments, ctypes.byref(error)):
            raise ValueError(fault_of(error))
        return value.value

    @property
    def lines(self) -> int:
        return int(self._library.nj_npu_bus_lines(self._bytes))

    @property
    def busy(self) -> bool:
        return bool(self._library.nj_npu_bus_busy(self._bytes))

    @property
    def waits_for(self) -> str:
        return (self._library.nj_npu_bus_waits_for(self._bytes) or b"").decode()


@pytest.fixture
def bus(library: Path) -> Bus:
    return Bus(library)


def test_a_line_is_high_when_any_of_some_or_all_of_others_are_there(bus: Bus) -> None:
    random = Random(1)
    bus.write(INTERRUPTS, 1)
    for _ in range(200):
        latched, masks = random.getrandbits(32), []
        for line in range(4):
            some = random.choice([EVERY, random.getrandbits(32) | random.getrandbits(32)])
            others = random.choice([EVERY, ~latched & EVERY | random.getrandbits(32), some])
            masks.append((some, others))
            bus.write(ANY + 4 * line, some)
            bus.write(ALL + 4 * line, others)
        bus.write(CLEARED, EVERY)
        bus.write(SET, latched)
        want = 0
        for line, (some, others) in enumerate(masks):
            sources = [bit for bit in range(32) if latched >> bit & 1]
            together = [bit for bit in range(32) if not others >> bit & 1]
            any_there = any(not some >> bit & 1 for bit in sources)
            all_there = bool(together) and all(bit in sources for bit in together)
            want |= (any_there or all_there) << line
        assert bus.lines == want
        assert [bus.read(ANY + 4 * line) for line in range(4)] == [some for some, _ in masks]
        assert [bus.read(ALL + 4 * line) for line in range(4)] == [others for _, others in masks]
    bus.write(INTERRUPTS, 0)
    assert bus.lines == 0, "it is off"


def test_clearing_forgets_what_is_latched_and_clearing_settings_the_masks(bus: Bus) -> None:
    bus.write(ANY, 0)
    bus.write(SET, 5)
    bus.write(INTERRUPTS, 1 << 1 | 1)
    assert (bus.read(INTERRUPTS), bus.read(LATCHED), bus.read(ANY)) == (1, 0, 0)
    bus.write(INTERRUPTS, 1 << 30)
    assert (bus.read(INTERRUPTS), bus.read(ANY), bus.read(ALL)) == (0, EVERY, EVERY)


def test_it_waits_for_both_interfaces_and_the_controller_for_its_clock(bus: Bus) -> None:
    assert bus.waits_for == "bus interface 0 is off (BUSIF0_CTRL)"
    bus.write(INTERFACES, 1)
    assert bus.waits_for == "bus interface 1 is off (BUSIF1_CTRL)"
    bus.write(INTERFACES + 0x1000, 1)
    assert bus.waits_for == ""
    bus.write(CONTROLLER + 0x08, 0x34000000)
    assert not bus.busy
    bus.write(CONTROLLER, 1)
    assert bus.busy
    assert "bit 25 of CLKCTRL_BGATES" in bus.waits_for
    bus.write(0x10, 1 << 25)
    assert bus.waits_for == ""


@pytest.mark.parametrize(
    ("offset", "value", "field"),
    [
        (INTERRUPTS, 1 << 2, "of the interrupt controller"),
        (INTERRUPTS + 0x34, 1, "of the interrupt controller"),
        (INTERFACES, 1 << 16, "of a bus interface"),
        (INTERFACES + 0x08, 0, "of a bus interface"),
        (CONTROLLER, 1 << 3, "of the epoch controller"),
        (CONTROLLER + 0x10, 1, "of the epoch controller"),
        (CONTROLLER + 0x18, 1 << 8, "of the epoch controller"),
        (CONTROLLER + 0x08, 4, "a multiple of 8"),
        (0x1F000, 1, "an unknown register"),
    ],
)
def test_what_is_not_known_is_named(bus: Bus, offset: int, value: int, field: str) -> None:
    with pytest.raises(ValueError, match=f"{field}.*'address': {offset}"):
        bus.write(offset, value)


@pytest.mark.parametrize(
    ("page", "kind", "version"),
    [(INTERRUPTS, 0x1E, 0x11), (INTERFACES, 0x1D, 0x50), (CONTROLLER, 0x21, 0x11)],
)
def test_versions_are_those_that_a_driver_asks_for(
    bus: Bus, page: int, kind: int, version: int
) -> None:
    assert (bus.read(page + 4) & 0xFF, bus.read(page + 4) >> 8 & 0xFF) == (kind, version)
    with pytest.raises(ValueError, match="an unknown register"):
        bus.read(page + 0x40)


def test_a_running_controller_is_not_written_to(bus: Bus) -> None:
    bus.write(CONTROLLER, 1)
    with pytest.raises(ValueError, match="a register of the running epoch controller"):
        bus.write(CONTROLLER, 0)


def test_how_the_controller_reads_and_ends_is_kept(bus: Bus) -> None:
    bus.write(CONTROLLER + 0x18, 0x19)
    bus.write(CONTROLLER, 1 << 2)
    assert (bus.read(CONTROLLER + 0x18), bus.read(CONTROLLER)) == (0x19, 1 << 2)


def test_what_an_engine_says_is_taken_back_by_ones(bus: Bus) -> None:
    told = 0x5000 + 3 * 0x1000 + 0x3C
    bus.write(told, EVERY)
    assert bus.read(told) == 0

"""What a driver of the PSRAM may forget or get wrong, one by one, and how the virtual chip answers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host.boards.virtual_n6.build import find
from host.boards.virtual_n6.testing_psram import (
    ABORT,
    ADDRESSED,
    CR,
    DCR1,
    DQS,
    DR,
    EIGHT,
    INDIRECT_READ,
    KIND_EIGHT,
    LATENCY,
    RCC,
    READ,
    READ_REGISTER,
    SECOND,
    SIXTEEN,
    WINDOW,
    XSPI1,
    XSPIM,
    connect,
    go_wide,
    map_window,
    mode_register,
    order,
    read,
    set_mode_register,
    take,
    word,
    write,
)
from host.boards.virtual_n6.trace_test import Chip

pytestmark = pytest.mark.skipif(find() is None, reason="make n6-virtual")


@pytest.fixture
def chip(tmp_path: Path) -> Iterator[Chip]:
    made = Chip(tmp_path, ",board=stm32n6570-dk")
    yield made
    made.close()


def said(chip: Chip) -> str:
    chip.close()
    return (chip.folder / "said").read_text()


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("clock of XSPI1", "XSPI1: a register was written while the block has no clock: bit 5"),
        ("clock of XSPIM", "XSPI1: no memory hears it: XSPIM has no clock"),
        ("clock of PWR", "bit 18 of RCC_AHB4ENR is 0"),
        ("supply", "GPIOP: its pins are dead: PWR_SVMCR3.VDDIO2SV"),
        ("clock of port O", "GPIOO: a register was written while the block has no clock"),
        ("clock of port P", "GPIOP: a register was written while the block has no clock"),
        ("selection, DQS and clock", "no memory hears it: a pin is not its own"),
        ("functions of port O", "no memory hears it: a pin is not its own"),
        ("data", "no memory hears it: a pin is not its own"),
        ("functions of data 0 to 7", "no memory hears it: a pin is not its own"),
    ],
)
def test_it_hears_nothing_when_a_step_is_forgotten(chip: Chip, step: str, why: str) -> None:
    connect(chip, but=step)
    order(chip, INDIRECT_READ, READ_REGISTER, ADDRESSED | EIGHT | DQS, LATENCY - 1, 2, 1)
    assert chip.read(XSPI1 + DR) & 0xFFFF != 0xDF8D
    map_window(chip)
    chip.write(WINDOW, 0x12345678)
    connect(chip)
    chip.write(XSPI1 + CR, INDIRECT_READ | ABORT)
    assert read(chip, 0, 4) != b"\x78\x56\x34\x12"
    assert why in said(chip)


def test_sixteen_lines_need_their_pins(chip: Chip) -> None:
    connect(chip, but="functions of data 8 to 15")
    go_wide(chip)
    assert read(chip, 0, 8, lines=SIXTEEN, dummy=6) == b"\xff" * 8
    assert mode_register(chip, 1, 6) == bytes([0x8D, 0xDF]), "which are asked on eight"


@pytest.mark.parametrize(
    ("multiplexed", "control", "heard"),
    [
        (0, 0, True),
        (0, SECOND, False),
        (1, 0, False),
        (2, 0, False),
        (1 << 4, SECOND, True),
        (1 << 4 | 1 << 6, 0, True),
        (1 << 4 | 1 << 5, 0, False),
    ],
)
def test_xspim_leads_it_to_its_pins_and_no_others(
    chip: Chip, multiplexed: int, control: int, heard: bool
) -> None:
    connect(chip)
    chip.write(XSPIM, multiplexed)
    form = ADDRESSED | EIGHT | DQS
    order(chip, INDIRECT_READ | control, READ_REGISTER, form, LATENCY - 1, 2, 1)
    assert (take(chip, 2) == bytes([0x8D, 0xDF])) == heard
    chip.write(RCC + 0xA20, 1 << 13)
    chip.write(RCC + 0x1220, 1 << 13)
    assert chip.read(XSPIM) == 0


def test_a_clock_from_a_divider_that_stands_is_none(chip: Chip) -> None:
    connect(chip)
    chip.write(RCC + 0x158, 2)
    order(chip, INDIRECT_READ, READ_REGISTER, ADDRESSED | EIGHT | DQS, LATENCY - 1, 2, 1)
    assert take(chip, 2) == b"\xff\xff"
    chip.write(RCC + 0x80, 4 << 20 | 75 << 8)
    chip.write(RCC + 0x88, 0x49000005)
    chip.write(RCC + 0x800, 1 << 8)
    chip.wait(1_000_000)
    chip.write(RCC + 0xCC, 5 << 16)
    chip.write(RCC + 0xA40, 1 << 2)
    assert mode_register(chip, 1) == bytes([0x8D, 0xDF]), "from IC3"


Act = Callable[[Chip], object]
TRAPS: dict[str, tuple[str, Act, str]] = {
    "read latency, long": ("", lambda c: read(c, 0, 4, dummy=5), "wrong number of dummy"),
    "read latency, short": ("", lambda c: read(c, 0, 4, dummy=3), "wrong number of dummy"),
    "write latency": ("", lambda c: write(c, 0, b"1234", dummy=3), "wrong number of dummy"),
    "register's latency": ("", lambda c: mode_register(c, 1, 6), "wrong number of dummy"),
    "DQS of a read": ("", lambda c: read(c, 0, 4, dqs=0), "form that no driver"),
    "DQS of a write": ("", lambda c: write(c, 0, b"1234", dqs=0), "form that no driver"),
    "lines": ("", lambda c: read(c, 0, 4, lines=SIXTEEN), "form that no driver"),
    "one line": (
        "",
        lambda c: order(c, INDIRECT_READ, READ, 1 | 1 << 8 | 3 << 12 | 1 << 24, 0, 4, 0),
        "form that no driver",
    ),
    "MTYP": ("device", lambda c: read(c, 0, 4), "MTYP in DCR1"),
    "MTYP of a register": ("device", lambda c: mode_register(c, 1), "MTYP in DCR1"),
    "odd address": ("", lambda c: read(c, 1, 4), "fill a clock's two edges"),
    "odd length": ("", lambda c: read(c, 0, 3), "fill a clock's two edges"),
    "instruction": ("", lambda c: read(c, 0, 4, instruction=0x3F), "a read that no driver"),
    "write": ("", lambda c: write(c, 0, b"1234", instruction=0xBF), "a write that no driver"),
    "register": ("", lambda c: mode_register(c, 5), "register that is not listed"),
    "half sleep": ("", lambda c: set_mode_register(c, 6, 0xF0), "register that is not listed"),
    "read-only register": ("", lambda c: set_mode_register(c, 1, 0), "bit of a mode register"),
    "partial refresh": ("", lambda c: set_mode_register(c, 4, 0x41), "bit of a mode register"),
    "read code": ("", lambda c: set_mode_register(c, 0, 0x15), "latency code that it does not"),
    "write code": ("", lambda c: set_mode_register(c, 4, 0x60), "latency code that it does not"),
    "window's latency": ("", lambda c: map_window(c, dummy=6), "wrong number of dummy"),
    "window's write": ("", lambda c: map_window(c, dummy_written=6), "wrong number of dummy"),
    "window's DQS": ("", lambda c: map_window(c, dqs_written=0), "form that no driver"),
    "window's burst": ("", lambda c: map_window(c, instruction=READ), "than the linear read"),
    "window's boundary": ("boundary", map_window, "CSBOUND in DCR3"),
    "window's refresh": ("refresh", map_window, "REFRESH in DCR4 is 0"),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_what_no_driver_does_ends_the_run(chip: Chip, trap: str) -> None:
    forgotten, act, why = TRAPS[trap]
    connect(chip, but=forgotten)
    with pytest.raises(RuntimeError, match=f"PSRAM .*{why}"):
        act(chip)


def test_a_size_that_is_not_its_own_ends_the_run(chip: Chip) -> None:
    connect(chip)
    chip.write(XSPI1 + DCR1, KIND_EIGHT | 23 << 16)
    with pytest.raises(RuntimeError, match=r"PSRAM .*DEVSIZE"):
        read(chip, 0, 4)


@pytest.mark.parametrize(("address", "count"), [(2, 4), (4, 6)])
def test_a_clock_moves_four_bytes_on_sixteen_lines(chip: Chip, address: int, count: int) -> None:
    connect(chip)
    go_wide(chip)
    with pytest.raises(RuntimeError, match=r"PSRAM .*fill a clock's two edges"):
        read(chip, address, count, lines=SIXTEEN, dummy=6)


def test_a_window_without_an_instruction_that_writes_is_to_be_read_only(chip: Chip) -> None:
    connect(chip)
    write(chip, 8, b"read")
    map_window(chip, instruction_written=0)
    assert chip.read(WINDOW + 8) == word(b"read")
    with pytest.raises(RuntimeError, match=r"XSPI1 90000008: a write through the window"):
        chip.write(WINDOW + 8, 0)


def test_a_mapping_is_ended_before_anything_else(chip: Chip) -> None:
    connect(chip)
    map_window(chip)
    with pytest.raises(RuntimeError, match=r"XSPI1 .*FMODE was changed while"):
        read(chip, 0, 4)

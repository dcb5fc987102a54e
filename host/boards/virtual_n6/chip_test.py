"""What the chip's blocks do and do not forgive, access by access, over qtest."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host.boards.virtual_n6.build import find
from host.boards.virtual_n6.trace_test import Chip

pytestmark = pytest.mark.skipif(find() is None, reason="make n6-virtual")

RCC, PWR, SYSCFG, RIFSC, CACHEAXI = 0x56028000, 0x56024800, 0x56008000, 0x54024000, 0x580DFC00
RISAF3, AXISRAM2, DTCM, BSEC = 0x54028000, 0x34100000, 0x30000000, 0x56009000
LONG = 1_000_000  # ns: longer than anything takes to get ready

Start = Callable[[str], Chip]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    made: list[Chip] = []

    def one(options: str = "") -> Chip:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Chip(folder, options))
        return made[-1]

    yield one
    for chip in made:
        chip.close()


def supply(chip: Chip, own: int) -> None:
    """PWR with its clock, and whose converter feeds the core."""
    chip.write(RCC + 0xA5C, 1 << 18)
    chip.write(PWR, own << 2)
    chip.wait(LONG)


def go(chip: Chip, n: int) -> None:
    """The core from PLL1 of 16 MHz x n, halved."""
    chip.write(RCC + 0x80, 4 << 20 | n << 8)
    chip.write(RCC + 0x88, 0x49000005)
    chip.write(RCC + 0x800, 1 << 8)
    chip.wait(LONG)
    chip.write(RCC + 0xC4, 1 << 16)
    chip.write(RCC + 0xA40, 1)
    chip.write(RCC + 0x20, 3 << 16)
    chip.wait(LONG)
    assert chip.read(RCC + 0x20) >> 20 & 3 == 3


def test_each_board_has_one_supply(start: Start) -> None:
    kit = start(",board=stm32n6570-dk")
    supply(kit, own=1)
    assert not kit.read(PWR + 0x20) & 1 << 17, "the board's converter feeds the core"
    supply(kit, own=0)
    assert kit.read(PWR + 0x20) & 1 << 17
    nucleo = start(",board=nucleo-n657x0-q")
    supply(nucleo, own=1)
    assert nucleo.read(PWR + 0x20) & 1 << 17
    with pytest.raises(RuntimeError, match="the chip's converter was switched off"):
        supply(nucleo, own=0)


def test_a_supply_is_chosen_before_the_core_runs_fast(start: Start) -> None:
    chip = start("")
    with pytest.raises(RuntimeError, match=r"faster than 64 MHz .* \(ACTVOSRDY in VOSCR\)"):
        go(chip, 75)


def test_a_nucleo_s_voltage_follows_its_scale(start: Start) -> None:
    chip = start(",board=nucleo-n657x0-q")
    supply(chip, own=1)
    chip.write(PWR + 0x20, 1)
    assert chip.read(PWR + 0x20) & 0x10002 == 0, "at once"
    chip.wait(LONG)
    assert chip.read(PWR + 0x20) & 0x10002 == 0x10002
    go(chip, 100)
    with pytest.raises(RuntimeError, match="faster than the lower voltage allows"):
        chip.write(PWR + 0x20, 0)


def test_no_voltage_allows_more_than_800_mhz(start: Start) -> None:
    chip = start(",board=nucleo-n657x0-q")
    supply(chip, own=1)
    chip.write(PWR + 0x20, 1)
    chip.wait(LONG)
    with pytest.raises(RuntimeError, match="faster than 800 MHz"):
        go(chip, 101)


def test_a_region_of_a_risaf_gives_zero_to_whom_it_does_not_let(start: Start) -> None:
    chip = start("")
    chip.write(AXISRAM2 + 0x1000, 0x12345678)
    chip.write(RCC + 0xA58, 1 << 14)
    chip.write(RISAF3 + 0x44, 0x1000)
    chip.write(RISAF3 + 0x48, 0x1FFF)
    chip.write(RISAF3 + 0x40, 0x101)
    chip.write(AXISRAM2 + 0x1000, 0x55555555)
    assert chip.read(AXISRAM2 + 0x1000) == 0
    assert chip.read(AXISRAM2 + 0x1000 - 0x10000000) == 0, "the non-secure alias"
    chip.write(AXISRAM2 + 0x2000, 1)
    assert chip.read(AXISRAM2 + 0x2000) == 1, "behind the region"
    chip.write(RISAF3 + 0x4C, 1 << 1)
    assert chip.read(AXISRAM2 + 0x1000) == 0x12345678, "what was there before"
    chip.write(AXISRAM2 + 0x1000, 0x55555555)
    assert chip.read(AXISRAM2 + 0x1000) == 0x12345678, "to be read only"
    chip.write(RISAF3 + 0x4C, 1 << 1 | 1 << 17)
    chip.write(AXISRAM2 + 0x1000, 0x55555555)
    assert chip.read(AXISRAM2 + 0x1000) == 0x55555555
    chip.write(RISAF3 + 0x40, 0x001)
    assert chip.read(AXISRAM2 + 0x1000) == 0, "not secure, which the core is"


@pytest.mark.parametrize(
    ("enable", "bit", "register", "value"),
    [
        (0xA78, 0, SYSCFG + 0x38, 7),
        (0xA58, 9, RIFSC + 0xC10, 0x310),
        (0xA58, 14, RISAF3 + 0x44, 0x1000),
        (0xA60, 30, CACHEAXI + 0x08, 0x14),
        (0xA54, 12, 0x52023000, 1),
        (0xA5C, 18, PWR + 0x38, 1 << 8),
        (0xA5C, 5, 0x56021400, 1 << 8),
        (0xA6C, 4, 0x5200102C, 3),
    ],
)
def test_a_block_without_its_clock_forgets(
    start: Start, enable: int, bit: int, register: int, value: int
) -> None:
    chip = start("")
    chip.write(register, value)
    assert chip.read(register) == 0
    chip.write(RCC + enable, 1 << bit)
    assert chip.read(register) == 0
    chip.write(register, value)
    assert chip.read(register) == value


@pytest.mark.parametrize(
    ("register", "value", "said"),
    [
        (SYSCFG + 0x0C, 1, "SYSCFG .*a register that is not listed"),
        (SYSCFG, 4, "SYSCFG .*a bit that is not listed"),
        (RIFSC + 0x28, 1, "RIFSC .*a register that is not listed"),
        (RISAF3 + 0x40, 2, "RISAF3 .*a bit that is not listed"),
        (CACHEAXI + 0x30, 1, "CACHEAXI .*a register that is not listed"),
        (BSEC + 0xC04, 1 << 13, "BSEC .*a fuse would have been burnt"),
        (BSEC + 0xC08, 1, "BSEC .*a fuse would have been burnt"),
        (BSEC + 0xE8C, 0xB4B4B400, "BSEC .*debugging was neither left alone nor opened"),
        (BSEC + 0xE90, 0xB5, "BSEC .*debugging was neither left alone nor opened"),
        (BSEC + 0xE94, 0xB4, "BSEC .*a register that is not listed"),
        (RCC + 0x260, 1 << 21, "RCC .*a bit that is not listed"),
        (PWR + 0x34, 1 << 26, "PWR .*a bit that is not listed"),
    ],
)
def test_what_no_list_names_ends_the_run(
    start: Start, register: int, value: int, said: str
) -> None:
    chip = start("")
    for enable in (0xA54, 0xA58, 0xA5C, 0xA60, 0xA78):
        chip.write(RCC + enable, 0xFFFFFFFF)
    with pytest.raises(RuntimeError, match=said):
        chip.write(register, value)


def test_debugging_is_closed_behind_a_flash_boot_until_it_is_opened(start: Start) -> None:
    opened = {BSEC + 0xE8C: 0xB451B400, BSEC + 0xE90: 0xB4}
    for options, is_open in ((",switches=development", True), (",switches=flash", False)):
        chip = start(options)
        chip.write(RCC + 0xA78, 1 << 1)
        for register, value in opened.items():
            assert chip.read(register) == (value if is_open else 0)
            chip.write(register, value)
            assert chip.read(register) == value


def test_memory_holds_rubbish_since_the_power_on(start: Start) -> None:
    chip = start("")
    for memory in (AXISRAM2, DTCM):
        words = [chip.read(memory + 4 * place) for place in range(16)]
        assert len(set(words)) == 16
        chip.write(memory, 0x12345678)
        assert chip.read(memory) == 0x12345678
        assert chip.read(memory - 0x10000000) == 0x12345678, "the non-secure alias"


def test_the_boot_switch_and_the_cells_are_read_back(start: Start) -> None:
    for options, boot1 in ((",switches=development", 2), (",switches=flash", 0)):
        chip = start(options)
        chip.write(RCC + 0xA78, 1)
        assert chip.read(SYSCFG + 0x100) == boot1
        assert chip.read(SYSCFG + 0x60) == 0
        chip.write(SYSCFG + 0x5C, 1 << 8)
        assert chip.read(SYSCFG + 0x60) == 1 << 8


def test_a_command_to_the_npu_s_cache_ends(start: Start) -> None:
    chip = start("")
    chip.write(RCC + 0xA60, 1 << 30)
    chip.write(CACHEAXI, 3)
    assert (chip.read(CACHEAXI), chip.read(CACHEAXI + 4)) == (1, 1 << 1)
    chip.write(CACHEAXI + 0x100, 3)
    assert chip.read(CACHEAXI + 4) == 1 << 1 | 1 << 4
    chip.write(CACHEAXI + 0x0C, 1 << 1 | 1 << 4)
    assert chip.read(CACHEAXI + 4) == 0

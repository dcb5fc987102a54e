"""SDMMC2 and a card, command by command over qtest: what is answered, what moves, and how each failure is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.boards.virtual_n6.build import find
from host.boards.virtual_n6.npu_test import stop_the_data_cache
from host.boards.virtual_n6.trace_test import Chip

pytestmark = pytest.mark.skipif(find() is None, reason="make n6-virtual")

RCC, SDMMC, PORT_C, PORT_E, RIMC = 0x56028000, 0x58026800, 0x56020800, 0x56021000, 0x54024C1C
POWER, CLOCK, ARGUMENT, COMMAND, ANSWER = (SDMMC + at for at in (0x00, 0x04, 0x08, 0x0C, 0x14))
TIMER, LENGTH, CONTROL, STATE, CLEAR = (SDMMC + at for at in (0x24, 0x28, 0x2C, 0x34, 0x38))
DMA, BUFFER_AT = SDMMC + 0x50, SDMMC + 0x58
BUFFER = 0x34020000
NONE, SHORT, SHORT_WITHOUT_CRC, LONG = range(4)
CCRCFAIL, DCRCFAIL, CTIMEOUT, DTIMEOUT, CMDREND, CMDSENT, DATAEND, IDMATE = (
    1 << bit for bit in (0, 1, 2, 3, 6, 7, 8, 27)
)
HCS, VOLTAGES = 1 << 30, 0xFF8000
BLOCKS = 1024
DATA = 1 << 6  # CMDTRANS
FROM_CARD = 1 << 1


@pytest.fixture
def chip(tmp_path: Path) -> Iterator[Chip]:
    (tmp_path / "card").write_bytes(b"".join(bytes([i % 251]) * 512 for i in range(BLOCKS)))
    made = Chip(tmp_path, f",card={tmp_path}/card")
    stop_the_data_cache(made)
    connect(made)
    yield made
    made.close()


def connect(chip: Chip) -> None:
    """The bus at 400 kHz from the HSI's 64 MHz, on one line; 2 ms pass."""
    for address, value in (
        (RCC + 0xA5C, 1 << 2 | 1 << 4 | 1 << 18),
        (0x56024838, 1 << 8),
        (PORT_C, 2 | 2 << 8 | 2 << 10),
        (PORT_C + 0x20, 11 | 11 << 16 | 11 << 20),
        (RCC + 0xA58, 1 << 9),
        (RIMC, 0x310),
        (RCC + 0xA60, 1 << 7),
        (CLOCK, 80),
        (POWER, 3),
    ):
        chip.write(address, value)
    chip.wait(2_000_000)


def send(chip: Chip, index: int, argument: int = 0, answer: int = SHORT, more: int = 0) -> int:
    """STA behind a command."""
    chip.write(CLEAR, 0x1FE00FFF)
    chip.write(ARGUMENT, argument)
    chip.write(COMMAND, index | answer << 8 | 1 << 12 | more)
    chip.wait(600_000)
    return chip.read(STATE)


def select(chip: Chip) -> int:
    """Identify the card and select it: its address, in the upper half."""
    assert send(chip, 0, answer=NONE) == CMDSENT
    assert send(chip, 8, 0x1AA) == CMDREND
    assert chip.read(ANSWER) == 0x1AA
    tries = 0
    while chip.read(ANSWER) != 1 << 31 | HCS | VOLTAGES:
        assert send(chip, 55) == CMDREND
        assert send(chip, 41, HCS | VOLTAGES, SHORT_WITHOUT_CRC) == CMDREND
        tries += 1
        assert tries < 9
    assert tries > 1, "it takes its time"
    assert send(chip, 2, answer=LONG) == CMDREND
    assert send(chip, 3) == CMDREND
    address = chip.read(ANSWER) & 0xFFFF0000
    assert send(chip, 9, address, LONG) == CMDREND
    assert chip.read(ANSWER + 4) & 0x3F == 0
    assert chip.read(ANSWER + 8) >> 16 == BLOCKS * 512 // 0x80000 - 1
    assert send(chip, 7, address) == CMDREND
    return address


def move(
    chip: Chip, index: int, block: int, *, blocks: int = 1, to: int = BUFFER, control: int = 0
) -> int:
    """STA behind a command with data."""
    chip.write(TIMER, 1_000_000)
    chip.write(LENGTH, 512 * blocks)
    chip.write(CONTROL, (9 << 4 | (FROM_CARD if index < 24 else 0)) ^ control)
    chip.write(BUFFER_AT, to)
    chip.write(DMA, 1)
    send(chip, index, block, more=DATA)
    chip.wait(3_000_000_000)
    return chip.read(STATE)


def test_blocks_are_read_and_written(chip: Chip, tmp_path: Path) -> None:
    address = select(chip)
    assert move(chip, 17, 7) == CMDREND | DATAEND
    assert chip.get(BUFFER, 512) == bytes([7]) * 512
    chip.put(BUFFER, b"kept" * 256)
    assert move(chip, 25, 20, blocks=2) == CMDREND | DATAEND
    assert send(chip, 13, address) == CMDREND
    assert chip.read(ANSWER) >> 9 & 15 == 6, "receiving, until it is told to stop"
    assert send(chip, 12) & CMDREND
    chip.wait(1_000_000)
    assert send(chip, 13, address) & CMDREND
    assert chip.read(ANSWER) >> 8 & 31 == 4 << 1 | 1, "ready"
    assert (tmp_path / "card").read_bytes()[20 * 512 : 22 * 512] == b"kept" * 256
    assert "note:" not in chip.said()


def test_an_answer_without_a_crc_is_no_answer_to_who_wants_one(chip: Chip) -> None:
    assert send(chip, 0, answer=NONE) == CMDSENT
    assert send(chip, 8, 0x1AA) == CMDREND
    assert send(chip, 55) == CMDREND
    assert send(chip, 41, HCS | VOLTAGES, SHORT) == CCRCFAIL
    assert send(chip, 55) == CMDREND
    assert send(chip, 13, answer=LONG) == CTIMEOUT, "no such application command"


def test_a_card_that_is_not_asked_by_cmd8_stays_busy(chip: Chip) -> None:
    send(chip, 0, answer=NONE)
    for _ in range(6):
        send(chip, 55)
        assert send(chip, 41, HCS | VOLTAGES, SHORT_WITHOUT_CRC) == CMDREND
    assert not chip.read(ANSWER) >> 31
    assert "wants CMD8 first" in chip.said()


@pytest.mark.parametrize(
    ("address", "value", "why"),
    [
        (0x56024838, 0, "PWR_SVMCR2.VDDIO5SV does not say that their supply is valid"),
        (PORT_C, 2 | 2 << 10, "PC0, PC4 and PC5 are not its command, clock and data 0"),
        (PORT_C + 0x20, 11, "PC0, PC4 and PC5 are not its command, clock and data 0"),
        (POWER, 0, "the card's power is off"),
        (CLOCK, 1, "its clock is 32000000 Hz, and may be 400 kHz"),
    ],
)
def test_a_card_hears_nothing_without(chip: Chip, address: int, value: int, why: str) -> None:
    chip.write(address, value)
    assert send(chip, 8, 0x1AA) == CTIMEOUT
    assert why in chip.said()


@pytest.mark.parametrize(
    ("index", "block", "told"),
    [(17, BLOCKS, 1 << 31), (17, 1 << 31, 1 << 31)],
)
def test_a_block_that_it_has_not_is_told_in_r1(
    chip: Chip, index: int, block: int, told: int
) -> None:
    select(chip)
    assert move(chip, index, block) & DTIMEOUT
    assert chip.read(ANSWER) & told


def test_data_in_the_other_direction_never_come(chip: Chip) -> None:
    select(chip)
    assert move(chip, 17, 7, control=FROM_CARD) == CMDREND | DTIMEOUT
    assert chip.get(BUFFER, 4) != bytes([7]) * 4


def test_lines_that_the_card_does_not_use_are_noise(chip: Chip) -> None:
    select(chip)
    chip.write(CLOCK, 80 | 1 << 14)
    assert move(chip, 17, 7) == CMDREND | DCRCFAIL


@pytest.mark.parametrize("to", [0x30000000, 0x343C0000])
def test_its_dma_reaches_no_other_memory(chip: Chip, to: int) -> None:
    select(chip)
    assert move(chip, 17, 7, to=to) == CMDREND | IDMATE


def test_a_master_that_is_not_trusted_moves_nothing(chip: Chip, tmp_path: Path) -> None:
    select(chip)
    chip.write(RIMC, 0x110)
    chip.put(BUFFER, b"mine" * 128)
    assert move(chip, 17, 7) == CMDREND | DATAEND, "and says so"
    assert chip.get(BUFFER, 512) == b"mine" * 128
    assert move(chip, 24, 9) == CMDREND | DATAEND
    assert (tmp_path / "card").read_bytes()[9 * 512 : 10 * 512] == bytes(512)
    assert "not secure, privileged and of compartment 1 (RIFSC_RIMC_ATTR3)" in chip.said()


def test_what_is_not_modelled_ends_the_run(chip: Chip) -> None:
    select(chip)
    with pytest.raises(RuntimeError, match="SDMMC2 5802683c: write of a register that is not lis"):
        chip.write(SDMMC + 0x3C, 1)


def test_a_reset_by_rcc_is_the_controller_s_alone(chip: Chip) -> None:
    address = select(chip)
    chip.write(RCC + 0xA20, 1 << 7)
    chip.write(RCC + 0x1220, 1 << 7)
    assert chip.read(POWER) == 0
    connect(chip)
    assert send(chip, 13, address) == CMDREND, "the card is where it was"
    chip.write(RCC + 0xA20, 1 << 7)
    with pytest.raises(RuntimeError, match="while it is held in reset"):
        chip.write(POWER, 3)


def test_a_card_hears_nothing_for_a_millisecond(chip: Chip) -> None:
    chip.write(POWER, 0)
    chip.write(POWER, 3)
    assert send(chip, 8, 0x1AA) == CTIMEOUT
    assert "it came before 1 ms and 74 clocks since the power were over" in chip.said()
    chip.wait(1_000_000)
    assert send(chip, 8, 0x1AA) == CMDREND

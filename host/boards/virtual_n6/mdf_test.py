"""MDF1, a microphone and GPDMA1, over qtest: what comes when, where it goes, and what is told."""

import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.boards.virtual_n6.build import find
from host.boards.virtual_n6.npu_test import stop_the_data_cache
from host.boards.virtual_n6.trace_test import Chip

pytestmark = pytest.mark.skipif(find() is None, reason="make n6-virtual")

RCC, MDF, DMA, PORT_E = 0x56028000, 0x52025000, 0x50021000, 0x56021000
ITEM, RING = 0x34020000, 0x34030000
LOAD_ALL = 0xF8010000
HALF_WORDS, SECURE, MOVES_ON = 1 << 16 | 1, 1 << 31 | 1 << 15, 1 << 19
EVENTS = 0x1F00
STATE, LEFT, CHANNEL = DMA + 0x360, DMA + 0x398, DMA + 0x364
SOURCE = MDF + 0xF2
SIXTEEN = 4 << 4 | 31 << 8  # 49.152 MHz / 2 / 12 / 32 / 4


@pytest.fixture
def chip(tmp_path: Path) -> Iterator[Chip]:
    made = Chip(tmp_path, f",microphone={recording(tmp_path)}")
    yield made
    made.close()


def recording(folder: Path, *, rate: int = 16000, samples: int = 4000) -> Path:
    path = folder / "heard.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(heard(0, samples))
    return path


def heard(first: int, count: int) -> bytes:
    return b"".join((i * 7919 & 0xFFFF).to_bytes(2, "little") for i in range(first, first + count))


def start_clock(chip: Chip, *, fraction: int = 536871) -> None:
    """PLL3 of 8 MHz x 172.032 / 7, a quarter of it at IC8."""
    chip.write(RCC + 0x0A8, 4)
    chip.write(RCC + 0x0A0, 8 << 20 | 172 << 8)
    chip.write(RCC + 0x0A4, fraction)
    chip.write(RCC + 0x0A8, 7 << 27 | 1 << 24 | 1 << 30 | 0xE)
    chip.write(RCC + 0x800, 1 << 10)
    chip.wait(100_000)
    chip.write(RCC + 0x0E0, 2 << 28 | 3 << 16)
    chip.write(RCC + 0xA40, 1 << 7)
    chip.write(RCC + 0x154, 3 << 16)
    chip.write(RCC + 0xA54, 1 << 16)


def start_channel(chip: Chip, size: int, *, to: int = RING) -> None:
    """A ring of `size` bytes."""
    stop_the_data_cache(chip)
    words = (HALF_WORDS | SECURE | MOVES_ON, 132, size, SOURCE, to, LOAD_ALL | ITEM & 0xFFFF)
    for i, word in enumerate(words):
        chip.write(ITEM + 4 * i, word)
    chip.write(RCC + 0xA50, 1 << 4)
    chip.write(DMA, 1 << 6)
    chip.write(DMA + 4, 1 << 6)
    chip.write(DMA + 0x350, ITEM & 0xFFFF0000)
    chip.write(LEFT, 0)
    chip.write(DMA + 0x3CC, LOAD_ALL | ITEM & 0xFFFF)
    chip.write(CHANNEL, EVENTS | 1)


def start_filter(chip: Chip, *, clock: int = 12, cic: int = SIXTEEN, dma: bool = True) -> None:
    chip.write(RCC + 0xA5C, 1 << 4)
    chip.write(PORT_E, 2 << 4 | 2 << 16)
    chip.write(PORT_E + 0x20, 4 << 8)
    chip.write(PORT_E + 0x24, 4)
    chip.write(MDF + 4, 1 << 24 | (clock - 1) << 16 | 0x22)
    chip.write(MDF + 4, 1 << 24 | (clock - 1) << 16 | 0x23)
    chip.write(MDF + 0x80, 31 << 8 | 0x11)
    chip.write(MDF + 0x84, 1)
    chip.write(MDF + 0x8C, cic)
    chip.write(MDF + 0x90, 0)
    chip.write(MDF + 0x88, 2 if dma else 0)
    chip.write(MDF + 0x88, 3 if dma else 1)


def test_samples_come_when_the_clocks_say_and_go_round(chip: Chip) -> None:
    start_clock(chip)
    start_channel(chip, 64)
    start_filter(chip)
    chip.wait(62_499)
    assert chip.read(LEFT) == 64, "the first comes 62.5 us behind the start"
    chip.wait(2)
    assert chip.read(LEFT) == 62
    chip.wait(15 * 62_500)
    assert chip.read(STATE) == 1 << 9, "half"
    assert chip.get(RING, 32) == heard(0, 16)
    chip.write(DMA + 0x35C, 1 << 9)
    chip.wait(16 * 62_500)
    assert chip.read(STATE) == 1 << 8, "all"
    assert chip.read(LEFT) == 64, "and anew"
    assert chip.read(DMA + 0x10) == 1 << 6, "told as the secure channel that it is"
    chip.wait(8 * 62_500)
    assert chip.get(RING, 64) == heard(32, 8) + heard(8, 24)
    assert "note:" not in chip.said()


def test_a_second_of_exact_samples(chip: Chip) -> None:
    start_clock(chip)
    start_channel(chip, 0x8000)
    start_filter(chip)
    for _ in range(4):
        chip.wait(250_000_000)
    assert 0x8000 - chip.read(LEFT) in (2 * 16000, 2 * 15999), "30 millionths of a millionth off"


def test_without_the_fraction_it_is_186_ppm_slow(chip: Chip) -> None:
    start_clock(chip, fraction=0)
    start_channel(chip, 0x8000)
    start_filter(chip)
    for _ in range(4):
        chip.wait(250_000_000)
    assert 0x8000 - chip.read(LEFT) == 2 * 15997
    assert "note:" not in chip.said(), "that is near enough"


def test_a_wrong_rate_is_seen_as_one(chip: Chip) -> None:
    start_clock(chip)
    start_channel(chip, 0x8000)
    start_filter(chip, clock=8)
    chip.wait(100_000_000)
    assert 0x8000 - chip.read(LEFT) in (2 * 2400, 2 * 2399)
    assert "16000 samples a second, and the filter takes 24000" in chip.said()


def test_a_fifo_that_nobody_empties_runs_over(chip: Chip) -> None:
    start_clock(chip)
    start_filter(chip, dma=False)
    chip.wait(4 * 62_500 + 10)
    assert chip.read(MDF + 0xB0) == 1 << 3
    chip.wait(62_500)
    assert chip.read(MDF + 0xB0) == 1 << 3 | 1 << 1
    chip.write(MDF + 0xB0, 1 << 1)
    assert chip.read(MDF + 0xB0) == 1 << 3
    assert "its FIFO ran over" in chip.said()


@pytest.mark.parametrize(
    ("to", "state"), [(0x30000000, 1 << 10 | 1), (0x10000000, 1 << 10 | 1), (RING, 0)]
)
def test_a_channel_reaches_no_tcm(chip: Chip, to: int, state: int) -> None:
    start_clock(chip)
    start_channel(chip, 64, to=to)
    start_filter(chip)
    chip.wait(63_000)
    assert chip.read(STATE) == state
    assert ("it reaches no memory at" in chip.said()) == bool(state)


@pytest.mark.parametrize(
    ("address", "value", "why"),
    [
        (PORT_E, 2 << 4, "PE2 and PE8 are not its clock CCK0 and data SDI0"),
        (RCC + 0x1254, 1 << 16, "it has no clock, awake or asleep"),
        (RCC + 0x1250, 1 << 4, "a request waits: it has no clock, awake or asleep"),
        (RCC + 0x1240, 1 << 7, "its kernel clock stands still"),
    ],
)
def test_nothing_comes_without(chip: Chip, address: int, value: int, why: str) -> None:
    start_clock(chip)
    start_channel(chip, 64)
    start_filter(chip)
    chip.write(address, value)
    chip.wait(63_000)
    assert why in chip.said()
    chip.write(RCC + 0xA50, 1 << 4)
    assert chip.read(LEFT) == 64


def test_a_fraction_wants_its_two_bits(chip: Chip) -> None:
    start_clock(chip)
    chip.write(RCC + 0x1000, 1 << 10)
    chip.wait(100_000)
    chip.write(RCC + 0x0A8, 7 << 27 | 1 << 24 | 1 << 30 | 4)
    chip.write(RCC + 0x800, 1 << 10)
    assert "PLL3 has a fraction that does nothing" in chip.said()


def test_a_microphone_wants_a_clock_that_it_can_follow(chip: Chip) -> None:
    start_clock(chip)
    start_filter(chip, clock=7)
    assert "wants a clock of 1.0 to 3.25 MHz, and has 3510857 Hz" in chip.said()


def test_what_is_not_modelled_ends_the_run(chip: Chip) -> None:
    start_clock(chip)
    with pytest.raises(RuntimeError, match="CCKDIV 0"):
        start_filter(chip, clock=1)


def test_behind_its_end_a_recording_is_silent(tmp_path: Path) -> None:
    chip = Chip(tmp_path, f",microphone={recording(tmp_path, samples=4)}")
    try:
        start_clock(chip)
        start_channel(chip, 64)
        start_filter(chip)
        chip.wait(16 * 62_500 + 10)
        assert chip.get(RING, 32) == heard(0, 4) + bytes(24)
    finally:
        chip.close()


@pytest.mark.parametrize("content", [b"", b"RIFF1234WAVE", b"RIFF1234WAVEdata\0\0\0\0"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    command = [str(find()), "-machine", "nightjar-n6,microphone=other", "-display", "none"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 1
    assert "no WAV file of one channel, PCM of 16 bits: other: " in ended.stderr

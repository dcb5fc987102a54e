"""The registers against a run of somebody else's firmware: ST's UART example, access by access, over qtest."""

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.boards.virtual_n6.build import find

TRACE = Path(__file__).resolve().parents[4] / "shared/data/n6/trace_uart_hyperterminal.txt"
LINE = re.compile(r"([RW]) ([0-9a-f]{8}) (\S+) ([0-9a-f]{8})(?: x(\d+))?")
# Its table ends with the reads that differ: register, our first value, the trace's, why.
PORT = Path(__file__).resolve().parents[3] / "firmware/boards/stm32n6/README.md"
_ROW = re.compile(
    r"\| first read of `(\w+\+[0-9a-f]{3})` that differs \| `([0-9a-f]{8})` \| `([0-9a-f]{8})` \| \S.* \|"
)

pytestmark = pytest.mark.skipif(find() is None, reason="make n6-virtual")


class Chip:
    """A machine whose bus we drive in place of a core."""

    def __init__(self, folder: Path, options: str = "") -> None:
        self.folder = folder
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(folder / "q"))
        self._server.listen(1)
        command = [
            str(find()),
            "-machine",
            f"nightjar-n6{options}",
            "-nodefaults",
            "-display",
            "none",
        ]
        command += ["-accel", "qtest", "-qtest", "unix:q", "-serial", "null"]
        with (folder / "said").open("w") as said:
            self.process = subprocess.Popen(command, cwd=folder, stderr=said)
        self._said = folder / "said"
        self._server.settimeout(0.1)
        while True:
            try:
                self._line = self._server.accept()[0].makefile("rw")
                break
            except TimeoutError:
                if self.process.poll() is not None:
                    raise RuntimeError(self._said.read_text()) from None

    def _ask(self, text: str) -> list[str]:
        self._line.write(text + "\n")
        self._line.flush()
        answer = self._line.readline().split()
        if not answer or answer[0] != "OK":
            self.process.wait(60)
            raise RuntimeError(self._said.read_text() or f"{text}: {answer}")
        return answer

    def read(self, address: int) -> int:
        return int(self._ask(f"readl {address:#x}")[1], 16)

    def write(self, address: int, value: int) -> None:
        self._ask(f"writel {address:#x} {value:#x}")

    def put(self, address: int, data: bytes) -> None:
        self._ask(f"write {address:#x} {len(data):#x} 0x{data.hex()}")

    def get(self, address: int, size: int) -> bytes:
        return bytes.fromhex(self._ask(f"read {address:#x} {size:#x}")[1].removeprefix("0x"))

    def said(self) -> str:
        """What the machine has noted so far."""
        return self._said.read_text()

    def wait(self, nanoseconds: int) -> None:
        self._ask(f"clock_step {nanoseconds}")

    def close(self) -> None:
        self._line.close()
        self._server.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def chip(tmp_path: Path) -> Iterator[Chip]:
    made = Chip(tmp_path)
    yield made
    made.close()


@pytest.mark.skipif(not TRACE.is_file(), reason="../shared is absent")
def test_st_s_example_meets_every_register(chip: Chip) -> None:
    different: dict[str, tuple[str, str]] = {}
    accesses = 0
    for line in TRACE.read_text().splitlines():
        kind, address, name, value, times = LINE.fullmatch(line.strip()).groups()  # type: ignore[union-attr]
        for _ in range(int(times or 1)):
            accesses += 1
            chip.wait(100_000)
            if kind == "W":
                chip.write(int(address, 16), int(value, 16))
                continue
            ours = f"{chip.read(int(address, 16)):08x}"
            if ours != value:
                different.setdefault(name, (ours, value))
    assert accesses == 837
    told = {
        row[1]: (row[2], row[3])
        for row in map(_ROW.fullmatch, PORT.read_text().splitlines())
        if row
    }
    assert told == different


def test_what_is_waited_for_comes_after_its_enable_and_not_before(chip: Chip) -> None:
    rcc, pwr = 0x56028000, 0x56024800
    chip.write(rcc + 0xA5C, 1 << 18)
    chip.write(pwr, 0)
    assert not chip.read(pwr + 0x20) & 1 << 17, "at once"
    chip.write(rcc + 0x800, 1 << 8)
    chip.wait(1_000_000)
    assert chip.read(pwr + 0x20) & 1 << 17
    assert not chip.read(rcc + 4) & 1 << 8, "a PLL without factors"
    chip.write(rcc + 0x1000, 1 << 8)
    chip.wait(20_000)
    chip.write(rcc + 0x80, 4 << 20 | 75 << 8)
    chip.write(rcc + 0x88, 0x49000005)
    chip.write(rcc + 0x800, 1 << 8)
    assert not chip.read(rcc + 4) & 1 << 8, "at once"
    chip.wait(1_000_000)
    assert chip.read(rcc + 4) & 1 << 8
    chip.write(rcc + 0x20, 3 << 16)
    assert not chip.read(rcc + 0x20) & 3 << 20, "IC1 is off"
    chip.write(rcc + 0xC4, 1 << 16)
    chip.write(rcc + 0xA40, 1)
    assert not chip.read(rcc + 0x20) & 3 << 20, "at once"
    chip.wait(2_000)
    assert chip.read(rcc + 0x20) & 3 << 20 == 3 << 20


@pytest.mark.parametrize(
    ("address", "value", "said"),
    [
        (0x56009014, 1, "BSEC.*a fuse would have been burnt"),
        (0x56009800, 1, "BSEC.*a register that is not listed"),
        (0x56028FFC, 1, "RCC.*a register that is not listed"),
        (0x56028020, 1 << 5, "RCC.*a bit that is not listed"),
        (0x5A000000, 1, "a block that is not listed"),
    ],
)
def test_what_no_list_names_ends_the_run(chip: Chip, address: int, value: int, said: str) -> None:
    chip.write(0x56028A78, 2)
    with pytest.raises(RuntimeError, match=said):
        chip.write(address, value)


def test_memory_has_power_and_a_clock_or_forgets(chip: Chip) -> None:
    axisram3, rcc, ramcfg = 0x34200000, 0x56028000, 0x52023000
    chip.write(axisram3, 0x12345678)
    assert chip.read(axisram3) == 0
    chip.write(rcc + 0xA4C, 1)
    chip.write(ramcfg + 0x100, 0)
    assert chip.read(ramcfg + 0x100) == 0, "RAMCFG has no clock, and answers nothing"
    chip.write(axisram3, 0x12345678)
    assert chip.read(axisram3) == 0
    chip.write(rcc + 0xA54, 1 << 12)
    chip.write(ramcfg + 0x100, 0)
    chip.write(axisram3, 0x12345678)
    assert chip.read(axisram3) == 0x12345678
    assert chip.read(axisram3 - 0x10000000) == 0x12345678, "the non-secure alias"


def test_the_unique_id_says_that_it_is_virtual(chip: Chip) -> None:
    assert chip.read(0x56009014) == 0, "BSEC has no clock"
    chip.write(0x56028A78, 2)
    words = [chip.read(0x56009014 + 4 * word) for word in range(3)]
    assert b"".join(word.to_bytes(4, "little") for word in words) == b"NIGHTJAR-VM0"

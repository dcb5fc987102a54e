"""XSPI2 and the NOR behind it, over qtest; flash boot and sleep, by cores that run a few instructions."""

import re
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.boards.virtual_n6.build import find
from host.boards.virtual_n6.trace_test import Chip
from host.deadline import Deadline
from host.n6_layout import layout

RCC, XSPI2, WINDOW = 0x56028000, 0x5802A000, 0x70000000
INDIRECT_WRITE, INDIRECT_READ, MAPPED = (mode << 28 | 1 for mode in (0, 1, 3))
ABORT = 1 << 1
ADDRESS, DATA = 1 << 8 | 3 << 12, 1 << 24  # one line, four bytes of address

pytestmark = pytest.mark.skipif(find() is None, reason="make n6-virtual")


@pytest.fixture
def chip(tmp_path: Path) -> Iterator[Chip]:
    made = Chip(tmp_path, f",nor={tmp_path}/nor")
    yield made
    made.close()


def connect(chip: Chip, *, but: str = "") -> None:
    steps = {
        "port": (RCC + 0xA5C, 1 << 13),
        "power": (RCC + 0xA5C, 1 << 18),
        "controller": (RCC + 0xA60, 1 << 12),
        "multiplexer": (RCC + 0xA60, 1 << 13),
        "supply": (0x5602483C, 1 << 9),
        "modes": (0x56023400, 0xFFFFFFFF & (2 << 2 | 2 << 12)),
        "functions": (0x56023420, 9 << 4 | 9 << 24),
    }
    for name, (address, value) in steps.items():
        if name != but:
            chip.write(address, value)


def _send(chip: Chip, instruction: int, address: int | None = None, data: bytes = b"") -> None:
    chip.write(XSPI2, INDIRECT_WRITE)
    chip.write(XSPI2 + 0x40, max(len(data) - 1, 0))
    chip.write(XSPI2 + 0x108, 0)
    chip.write(XSPI2 + 0x100, 1 | (ADDRESS if address is not None else 0) | (DATA if data else 0))
    chip.write(XSPI2 + 0x110, instruction)
    if address is not None:
        chip.write(XSPI2 + 0x48, address)
    for (word,) in struct.iter_unpack("<I", data):
        chip.write(XSPI2 + 0x50, word)
    assert chip.read(XSPI2 + 0x20) & 2, "complete"
    chip.write(XSPI2 + 0x24, 2)


def _ask(chip: Chip, instruction: int, count: int) -> int:
    chip.write(XSPI2, INDIRECT_READ)
    chip.write(XSPI2 + 0x40, count - 1)
    chip.write(XSPI2 + 0x108, 0)
    chip.write(XSPI2 + 0x100, 1 | DATA)
    chip.write(XSPI2 + 0x110, instruction)
    value = chip.read(XSPI2 + 0x50)
    chip.write(XSPI2 + 0x24, 2)
    return value


def map_window(chip: Chip, dummy: int = 0) -> None:
    chip.write(XSPI2 + 0x108, dummy)
    chip.write(XSPI2 + 0x100, 1 | ADDRESS | DATA)
    chip.write(XSPI2 + 0x110, 0x13)
    chip.write(XSPI2, MAPPED)


def test_a_nor_is_erased_programmed_and_mapped(chip: Chip, tmp_path: Path) -> None:
    connect(chip)
    assert _ask(chip, 0x9F, 3) == 0x3B81C2
    _send(chip, 0x12, 0x1000, b"lost")
    _send(chip, 0x06)
    assert _ask(chip, 0x05, 1) == 2
    _send(chip, 0x12, 0x1000, b"kept")
    assert _ask(chip, 0x05, 1) == 1, "busy"
    chip.wait(1_000_000)
    assert _ask(chip, 0x05, 1) == 0
    map_window(chip)
    assert chip.read(WINDOW + 0x1000) == int.from_bytes(b"kept", "little")
    assert chip.read(WINDOW + 0x1004) == 0xFFFFFFFF
    assert (tmp_path / "nor").read_bytes()[0x1000:0x1004] == b"kept"
    chip.write(XSPI2, MAPPED | ABORT)
    _send(chip, 0x06)
    _send(chip, 0x21, 0x1234)
    chip.wait(2_000_000)
    map_window(chip)
    assert chip.read(WINDOW + 0x1000) == 0xFFFFFFFF


def test_a_mapping_is_ended_before_anything_else(chip: Chip) -> None:
    """A load may have left the controller at work: what is written then is ignored, or worse."""
    connect(chip)
    map_window(chip)
    with pytest.raises(RuntimeError, match="FMODE was changed while the window may be read"):
        _send(chip, 0x06)


def test_a_reset_by_rcc_is_whole_and_ends(chip: Chip) -> None:
    connect(chip)
    map_window(chip)
    chip.write(RCC + 0xA20, 1 << 12)
    assert chip.read(XSPI2) == 0
    with pytest.raises(RuntimeError, match="held in reset"):
        chip.write(XSPI2, 1)


@pytest.mark.parametrize("step", ["port", "controller", "multiplexer", "supply", "modes"])
def test_a_nor_hears_nothing_when_a_step_is_forgotten(chip: Chip, step: str) -> None:
    connect(chip, but=step)
    assert _ask(chip, 0x9F, 3) != 0x3B81C2


def test_a_read_with_wrong_dummy_cycles_ends_the_run(chip: Chip) -> None:
    connect(chip)
    with pytest.raises(RuntimeError, match=r"NOR.*wrong number of dummy cycles"):
        map_window(chip, dummy=6)


def run(
    folder: Path, wanted: str, board: str = "stm32n6570-dk", *, more: str = "", shift: int = 6
) -> str:
    """What QEMU says of a core that starts from the NOR, once its registers say `wanted`.

    Args:
        more: properties of the machine.
        shift: an instruction takes 2^shift ns of virtual time.
    """
    machine = f"nightjar-n6,board={board},switches=flash,nor=nor{more}"
    command = [str(find()), "-machine", machine, "-nodefaults"]
    command += [
        "-display",
        "none",
        "-icount",
        f"shift={shift}",
        "-serial",
        "null",
        "-monitor",
        "stdio",
    ]
    with (folder / "said").open("w+") as said:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=said, stderr=said, text=True, cwd=folder
        )
        assert child.stdin is not None
        limit = Deadline.after(60)
        try:
            while True:
                ended = child.poll() is not None
                if re.search(wanted, (folder / "said").read_text()):
                    break
                assert not ended, (folder / "said").read_text()
                assert not limit.expired, (folder / "said").read_text()
                child.stdin.write("info registers\n")
                child.stdin.flush()
                time.sleep(0.02)
        finally:
            child.kill()
            child.wait()
            child.stdin.close()
    return (folder / "said").read_text()


def image(code: bytes, *, total: int | None = None) -> bytes:
    at = layout()
    header = bytearray(at["IMAGE_HEADER_BYTES"])
    header[:4] = b"STM2"
    wanted = sum(code) if total is None else total
    struct.pack_into("<IIII", header, 0x64, wanted, 0x20300, len(code), at["FIRST_STAGE"] | 1)
    return bytes(header) + code


def test_flash_boot_starts_what_the_header_says(tmp_path: Path) -> None:
    (tmp_path / "nor").write_bytes(image(bytes.fromhex("42 24 fe e7")))  # movs r4, #0x42; b .
    said = run(tmp_path, "R04=00000042[^X]*R15=34180402")
    assert "boot ROM" not in said


@pytest.mark.parametrize(
    ("image", "complaint"),
    [(b"", "does not begin with STM2"), (image(b"\x42\x24\xfe\xe7", total=1), "sum")],
)
def test_flash_boot_starts_nothing_else(tmp_path: Path, image: bytes, complaint: str) -> None:
    (tmp_path / "nor").write_bytes(image)
    assert complaint in run(tmp_path, "R15=180000[0-9a-f]{2}")


def test_a_window_that_is_not_mapped_faults(tmp_path: Path) -> None:
    # ldr r0, =0x70000000; movs r4, #1; ldr r1, [r0]; movs r4, #2; b .
    code = bytes.fromhex("02 48 01 24 01 68 02 24 fe e7 00 bf 00 00 00 70")
    (tmp_path / "nor").write_bytes(image(code))
    run(tmp_path, "exception 3 went to the boot ROM's vectors: VTOR was not set")  # HardFault


def test_wfe_sleeps_until_an_event(tmp_path: Path) -> None:
    # ldr r0, =NVIC_ICER0; movs r1, #0; mvns r1, r1; str r1, [r0]: what the boot ROM has left pending wakes nobody;
    # sev; wfe; movs r4, #1; wfe; movs r4, #2; b .
    code = bytes.fromhex("04 48 00 21 c9 43 01 60 40 bf 20 bf 01 24 20 bf 02 24 fe e7 80 e1 00 e0")
    (tmp_path / "nor").write_bytes(image(code))
    run(tmp_path, "R04=00000001[^X]*R15=34180410")

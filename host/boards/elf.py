"""What of an ELF a debugger writes, and where it starts the core."""

import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from host.boards.gdb_script import Start
from host.errors import BadInput


@dataclass(frozen=True)
class Section:
    """A section with bytes that is loaded: its name, its first physical address, its bytes."""

    name: str
    start: int
    data: bytes

    @property
    def end(self) -> int:
        """The address behind its last byte."""
        return self.start + len(self.data)


@dataclass(frozen=True)
class Memory:
    """What a debugger finds in the boot ROM's loop, and loads.

    Attributes:
        vectors: the address of the vector table that the core is started from.
        ram: addresses of the RAM that is on after a reset: a debugger loads nothing elsewhere.
        nor: addresses of the external NOR's window, which the flash loader writes; none where there is none.
    """

    vectors: int
    ram: range
    nor: range = range(0)


def _check_arm(elf: Path) -> None:
    """Refuse what is no ELF for Arm.

    Raises:
        BadInput: naming what it begins with.
    """
    try:
        with elf.open("rb") as stream:
            head = stream.read(20)
    except OSError as error:
        raise BadInput(
            "the firmware cannot be read",
            evidence=f"Received: {elf}: {error.strerror}",
            next_step="build it with `nightjar build`",
        ) from error
    # e_ident, then e_type and e_machine: 40 is Arm.
    if head[:4] != b"\x7fELF" or int.from_bytes(head[18:20], "little") != 40:
        raise BadInput(
            "the board runs ELF files for Arm only",
            evidence=f"Received: {elf}, which begins with {head.hex()}",
            next_step="build the firmware for this board with `nightjar build`",
        )


def loaded_sections(elf: Path) -> list[Section]:
    """Every section that a debugger writes.

    Raises:
        BadInput: there is no such ELF, or it is none for Arm.
    """
    _check_arm(elf)
    try:
        with elf.open("rb") as stream:
            file = ELFFile(stream)
            segments = [one for one in file.iter_segments() if one["p_type"] == "PT_LOAD"]
            found = []
            for section in file.iter_sections():
                start = int(section["sh_addr"])
                allocated = section["sh_flags"] & SH_FLAGS.SHF_ALLOC
                if not section["sh_size"] or not allocated or section["sh_type"] == "SHT_NOBITS":
                    continue
                for segment in segments:
                    if segment.section_in_segment(section):
                        start += segment["p_paddr"] - segment["p_vaddr"]
                found.append(Section(section.name, start, bytes(section.data())))
            return found
    except (ELFError, ConstructError) as error:
        raise _unreadable(elf, error) from error


def start_of(elf: Path, memory: Memory) -> Start:
    """Where the ELF's own vector table starts the core.

    Raises:
        BadInput: it has none there, or bytes where a debugger loads nothing.
    """
    sections = loaded_sections(elf)
    for one in sections:
        if one.start in memory.nor and one.end <= memory.nor.stop:
            continue
        if one.start not in memory.ram or one.end > memory.ram.stop:
            ram = f"{memory.ram.start:#x} to {memory.ram.stop:#x}"
            raise _not_loadable(
                elf,
                f"{one.name} at {one.start:#x} to {one.end:#x} ({len(one.data):,} bytes), and a"
                f" debugger loads {ram} only",
            )
    table = [
        one.data[memory.vectors - one.start :][:8]
        for one in sections
        if one.start <= memory.vectors and memory.vectors + 8 <= one.end
    ]
    if not table:
        raise _not_loadable(elf, f"no vector table at {memory.vectors:#x}")
    sp, reset = struct.unpack("<II", table[0])
    return Start(f"{sp:#x}", f"{reset & ~1:#x}")


def in_ram_alone(elf: bytes, memory: Memory) -> bytes:
    """An ELF without the bytes for the NOR: what a debugger would write there is none of its sections any more."""
    made = bytearray(elf)
    file = ELFFile(BytesIO(elf))
    for number, segment in enumerate(file.iter_segments()):
        if segment["p_type"] == "PT_LOAD" and segment["p_paddr"] in memory.nor:
            at = file["e_phoff"] + number * file["e_phentsize"]  # p_type
            struct.pack_into("<I", made, at, 0)  # PT_NULL
    for number, section in enumerate(file.iter_sections()):
        if section["sh_addr"] in memory.nor:
            at = file["e_shoff"] + number * file["e_shentsize"] + 4  # sh_type
            struct.pack_into("<I", made, at, 8)  # SHT_NOBITS
    return bytes(made)


def _not_loadable(elf: Path, what: str) -> BadInput:
    return BadInput(
        "the firmware is none that a debugger loads into this board's RAM",
        evidence=f"Received: {elf}: {what}",
        next_step="build the firmware for this board with `nightjar build`",
    )


def _unreadable(elf: Path, error: Exception) -> BadInput:
    return BadInput(
        "the sections of the firmware cannot be read",
        evidence=f"Received: {elf}: {error}",
        next_step="build the firmware again with `nightjar build`",
    )

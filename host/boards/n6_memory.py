"""Which of an STM32N6's memories an ELF takes, and how much of each."""

from collections.abc import Iterator
from io import BytesIO

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from host.boards.kinds import SILICON
from host.boards.n6_layout import layout
from host.made_once import by_content
from host.project import Project


def _memories() -> Iterator[tuple[str, range]]:
    at = layout()
    for name in ("ITCM", "DTCM", "AXISRAM1", "AXISRAM2"):
        yield name, range(at[name], at[name] + at[f"{name}_BYTES"])
    each = at["AXISRAM3_TO_6_EACH_BYTES"]
    yield "AXISRAM3 to 6", range(at["AXISRAM3"], at["AXISRAM6"] + each)
    yield "NOR", range(at["NOR"], at["NOR_END"])


def is_n6(project: Project) -> bool:
    """Whether a project is firmware of an STM32N6."""
    return project.description.board in SILICON


@by_content(32)
def placement(elf: bytes) -> dict[str, str]:
    """Memory that each section with an address begins in while the firmware runs; "" for one in none of them."""
    return {name: _name(start) for name, start, _ in _sections(elf)}


@by_content(32)
def sizes(elf: bytes) -> dict[str, int]:
    """Bytes of each memory that the sections take, by the memories' addresses; .data counts where it runs."""
    taken = dict.fromkeys((name for name, _ in _memories()), 0)
    for _, start, size in _sections(elf):
        for name, memory in _memories():
            taken[name] += max(0, min(start + size, memory.stop) - max(start, memory.start))
    return {name: size for name, size in taken.items() if size}


def _name(address: int) -> str:
    return next((name for name, memory in _memories() if address in memory), "")


def _sections(elf: bytes) -> Iterator[tuple[str, int, int]]:
    """(name, first address, bytes) of what takes memory."""
    for section in ELFFile(BytesIO(elf)).iter_sections():
        if section["sh_flags"] & SH_FLAGS.SHF_ALLOC and section["sh_size"]:
            yield section.name, int(section["sh_addr"]), int(section["sh_size"])

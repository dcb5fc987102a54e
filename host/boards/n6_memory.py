"""Where an STM32N6's ELF lies: which memory each section takes, and how full the linker's regions are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from host.boards.kinds import SILICON
from host.made_once import by_content
from host.n6_layout import layout
from host.project import Project

_DATA_LIMIT = "nj_data_limit"  # of the linker script


@dataclass(frozen=True)
class Region:
    """Bytes that an ELF takes of a region of the linker script, and bytes that it has."""

    used: int
    bytes: int


def _memories() -> Mapping[str, range]:
    """What lies side by side on the chip and is equally fast has one name."""
    at = layout()
    names = ("ITCM", "DTCM", "AXISRAM1", "AXISRAM2")
    each = at["AXISRAM3_TO_6_EACH_BYTES"]
    return {
        **{name: range(at[name], at[name] + at[f"{name}_BYTES"]) for name in names},
        "AXISRAM3 to 6": range(at["AXISRAM3"], at["AXISRAM6"] + each),
        "NOR": range(at["NOR"], at["NOR_END"]),
    }


def _regions(weights: int, data_limit: int) -> Mapping[str, range]:
    """Those of nj_stm32n6.ld, by the layout's file, which that script reads, too.

    Args:
        weights: where those in the NOR begin, if before their usual place.
        data_limit: where the data's region ends.
    """
    at = layout()
    return {
        "CODE": range(at["APPLICATION"], at["CONSTANTS"]),
        "CONSTANTS": range(at["CONSTANTS"], at["APPLICATION_END"]),
        "NOR": range(min(weights, at["NOR_WEIGHTS"]), at["NOR_END"]),
        "DATA": range(at["APPLICATION_END"], data_limit),
        "DTCM": range(at["DTCM"], at["DTCM"] + at["DTCM_BYTES"]),
    }


def is_n6(project: Project) -> bool:
    """Whether a project is firmware of an STM32N6."""
    return project.description.board in SILICON


@by_content(32)
def placement(elf: bytes) -> dict[str, str]:
    """Section -> the memories that it takes while the firmware runs, in the order of their addresses; "" for none."""
    return {
        name: ", ".join(
            memory for memory, place in _memories().items() if _shared(place, start, size)
        )
        for name, start, size in _sections(elf)
    }


@by_content(32)
def regions(elf: bytes) -> dict[str, Region]:
    """Region -> what it holds. The image that .data is copied from counts where it lies, beside .data itself.

    Firmware around a network for the NPU has less RAM, and its weights where the network reads them.
    """
    file, at = ELFFile(BytesIO(elf)), layout()
    loaded = [
        (int(one["p_paddr"]), int(one["p_filesz"]))
        for one in file.iter_segments("PT_LOAD")
        if one["p_paddr"] != one["p_vaddr"]
    ]
    taken = [(start, size) for _, start, size in _sections(elf)] + loaded
    weights = min((start for start, _ in taken if start >= at["NOR"]), default=at["NOR_WEIGHTS"])
    places = _regions(weights, _symbol(file, _DATA_LIMIT, at["CACHEAXI_RAM"]))
    return {
        name: Region(sum(_shared(place, start, size) for start, size in taken), len(place))
        for name, place in places.items()
    }


def _symbol(file: ELFFile, name: str, absent: int) -> int:
    """The value of a symbol of the linker script."""
    table = file.get_section_by_name(".symtab")
    found = table.get_symbol_by_name(name) if isinstance(table, SymbolTableSection) else None
    return int(found[0]["st_value"]) if found else absent


def _shared(place: range, start: int, size: int) -> int:
    """How many of `size` bytes from `start` on lie in a place."""
    return max(0, min(start + size, place.stop) - max(start, place.start))


def _sections(elf: bytes) -> Iterator[tuple[str, int, int]]:
    """(name, first address, bytes) of what takes memory."""
    for section in ELFFile(BytesIO(elf)).iter_sections():
        if section["sh_flags"] & SH_FLAGS.SHF_ALLOC and section["sh_size"]:
            yield section.name, int(section["sh_addr"]), int(section["sh_size"])

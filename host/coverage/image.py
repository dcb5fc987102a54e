"""What of an ELF can be reached: the bytes of its sections, each with its kind and its owner.

The sections lie one behind the other, each at a multiple of 8, as in the plugin's rows: an *offset*
counts in there.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from host.errors import BadInput, HostFailure

SECTIONS = (".engine_text", ".text", ".engine_rodata", ".rodata")  # code first, as the plugin wants
CODE_SECTIONS = SECTIONS[:2]
NOTHING, CODE, CONSTANT = 0, 1, 2  # kinds of bytes; between sections there is nothing
FUNCTION, OBJECT, PADDING, UNNAMED = "function", "object", "padding", "unnamed"  # kinds of pieces
_ALIGNMENT = 16  # bytes: less than these between two symbols, all idle, are padding
_IDLE = (b"\x00\x00", b"\x00\xbf", b"\xaf\xf3", b"\x00\x80")  # zeros, nop, both halves of nop.w
_WIDE = 0xE800  # halfwords from here on begin an instruction of four bytes

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Section:
    """A section of the image: where it lies, its bytes, and where it begins in a row."""

    name: str
    address: int
    data: bytes
    offset: int

    @property
    def code(self) -> bool:
        return self.name in CODE_SECTIONS

    @property
    def place(self) -> slice:
        """Its bytes in a row."""
        return slice(self.offset, self.offset + len(self.data))

    def holds(self, address: int) -> bool:
        return self.address <= address < self.address + len(self.data)


@dataclass(frozen=True)
class Piece:
    """A function, an object, or all padding or all that has no name in a section."""

    name: str
    section: str
    kind: str
    address: int = 0  # 0 for what lies at many


@dataclass(frozen=True, eq=False)
class Image:
    """The sections of one ELF.

    kinds: uint8 [width]; CODE is what the ELF's mapping symbols call so.
    owners: int32 [width], indices in `pieces`; -1 between sections.
    symbols: the address of each named function, without its Thumb bit.
    """

    sections: tuple[Section, ...]
    kinds: Bytes
    owners: npt.NDArray[np.int32]
    pieces: tuple[Piece, ...]
    symbols: dict[str, int]

    @property
    def width(self) -> int:
        """Bytes of a row."""
        return len(self.kinds)

    @property
    def words(self) -> int:
        """Counters of the plugin: one for every two bytes of the code sections."""
        return sum(_aligned(len(section.data)) for section in self.sections if section.code) // 2

    def offset(self, address: int) -> int | None:
        """Where a byte lies in a row; None outside of the image."""
        for section in self.sections:
            if section.holds(address):
                return section.offset + address - section.address
        return None

    @cached_property
    def wide(self) -> Mask:
        """bool [width]: an instruction that begins here would have four bytes."""
        wide = np.zeros(self.width, bool)
        for section in self.sections:
            halves = np.frombuffer(section.data[: len(section.data) & ~1], "<u2")
            wide[section.offset : section.offset + 2 * len(halves) : 2] = halves >= _WIDE
        return wide

    def instructions(self, begun: Mask) -> Mask:
        """bool [width]: the bytes of the instructions that begin where `begun` says.

        Raises:
            HostFailure: one of them lies in what the ELF calls data.
        """
        covered = np.zeros(self.width + 4, bool)
        for more in range(2):
            covered[more : more + self.width] |= begun
            covered[2 + more : 2 + more + self.width] |= begun & self.wide
        covered = covered[: self.width]
        stray = np.flatnonzero(covered & (self.kinds != CODE))
        if stray.size:
            raise HostFailure(
                "instructions were executed that the ELF calls data: its mapping symbols are wrong",
                evidence=f"at offset {int(stray[0])} of {self.pieces[self.owners[stray[0]]].name}",
                next_step="link it from objects that the GNU assembler made",
            )
        return covered


def read_image(elf: Path) -> Image:
    """Read sections and symbols.

    Raises:
        BadInput: it is no ELF file, or has no code.
    """
    try:
        with elf.open("rb") as stream:
            file = ELFFile(stream)
            found = [(name, file.get_section_by_name(name)) for name in SECTIONS]
            sections: list[Section] = []
            numbers: dict[int, Section] = {}
            offset = 0
            for name, section in found:
                if section is None or section["sh_size"] == 0:
                    continue
                made = Section(name, section["sh_addr"], section.data(), offset)
                sections.append(made)
                numbers[file.get_section_index(name)] = made
                offset += _aligned(len(made.data))
            symbols = _symbols(file, numbers)
    except (OSError, ELFError) as error:
        raise BadInput(
            "the firmware cannot be read as an ELF file",
            evidence=f"Received: {elf}: {error}",
            next_step="build it with `nightjar build`",
        ) from error
    if not any(section.code for section in sections):
        raise BadInput("the firmware has no code", evidence=f"Received: {elf}")
    return _painted(sections, symbols, offset)


@dataclass(frozen=True)
class _Symbol:
    section: Section
    name: str
    address: int
    size: int
    function: bool
    exported: bool

    @property
    def place(self) -> slice:
        begin = self.section.offset + self.address - self.section.address
        return slice(begin, min(begin + self.size, self.section.place.stop))


def _aligned(size: int) -> int:
    return (size + 7) // 8 * 8


def _symbols(file: Any, numbers: dict[int, Section]) -> list[_Symbol]:
    """Every symbol of the sections, mapping symbols ($t, $d) included, by address."""
    found = []
    for table in file.iter_sections():
        if not isinstance(table, SymbolTableSection):
            continue
        for symbol in table.iter_symbols():
            section = numbers.get(symbol["st_shndx"])
            kind = symbol["st_info"]["type"]
            if section is None or kind in ("STT_SECTION", "STT_FILE"):
                continue
            address = symbol["st_value"] & ~1 if kind == "STT_FUNC" else symbol["st_value"]
            if not section.holds(address):
                continue  # the end of a section, named by the linker script
            exported = symbol["st_info"]["bind"] != "STB_LOCAL"
            found.append(
                _Symbol(
                    section, symbol.name, address, symbol["st_size"], kind == "STT_FUNC", exported
                )
            )
    return sorted(found, key=lambda s: (s.address, -s.size, not s.exported, s.name))


def _painted(sections: list[Section], symbols: list[_Symbol], width: int) -> Image:
    kinds = np.zeros(width, np.uint8)
    owners = np.full(width, -1, np.int32)
    for section in sections:
        kinds[section.place] = CODE if section.code else CONSTANT
    named = [symbol for symbol in symbols if not symbol.name.startswith("$")]
    for section in sections:
        if section.code:
            _paint_kinds(kinds, section, [s for s in symbols if s.section is section])
    pieces: list[Piece] = []
    seen: set[tuple[int, int]] = set()
    for symbol in named:  # of two at one place the larger comes first, so that the inner one stays
        if symbol.size and (symbol.address, symbol.size) not in seen:
            seen.add((symbol.address, symbol.size))
            owners[symbol.place] = len(pieces)
            kind = FUNCTION if symbol.function else OBJECT
            pieces.append(Piece(symbol.name, symbol.section.name, kind, symbol.address))
    for section in sections:
        labels = [s for s in named if s.section is section and not s.size]
        _paint_gaps(owners, pieces, section, labels)
    functions = {s.name: s.address for s in named if s.function}
    return Image(tuple(sections), kinds, owners, tuple(pieces), functions)


def _paint_kinds(kinds: Bytes, section: Section, symbols: list[_Symbol]) -> None:
    """By mapping symbols: $t (and $a) begins instructions, $d data."""
    marks = [(s.place.start, s.name[1] != "d") for s in symbols if s.name[:2] in ("$t", "$d", "$a")]
    for (begin, code), (end, _) in pairwise([*marks, (section.place.stop, True)]):
        kinds[begin:end] = CODE if code else CONSTANT


def _paint_gaps(
    owners: npt.NDArray[np.int32], pieces: list[Piece], section: Section, labels: list[_Symbol]
) -> None:
    """What no sized symbol covers: padding, what a mere label names, or nameless."""
    free = np.flatnonzero(owners[section.place] < 0)
    if not free.size:
        return
    cuts = {label.place.start - section.offset for label in labels}
    breaks = np.flatnonzero((np.diff(free) > 1) | np.isin(free[1:], sorted(cuts))) + 1
    names = {label.place.start - section.offset: label for label in reversed(labels)}
    numbers: dict[Piece, int] = {}
    for gap in np.split(free, breaks):
        begin, end = int(gap[0]), int(gap[-1]) + 1
        label = names.get(begin)
        if _is_padding(section.data[begin:end], begin):
            piece = Piece("(padding)", section.name, PADDING)
        elif label is not None:
            kind = FUNCTION if section.code else OBJECT
            piece = Piece(label.name, section.name, kind, label.address)
        else:
            piece = Piece("(unnamed)", section.name, UNNAMED)
        if piece not in numbers:
            numbers[piece] = len(pieces)
            pieces.append(piece)
        owners[section.offset + begin : section.offset + end] = numbers[piece]


def _is_padding(data: bytes, begin: int) -> bool:
    if len(data) >= _ALIGNMENT:
        return False
    if begin % 2:
        return not any(data)
    halves = [data[i : i + 2].ljust(2, b"\0") for i in range(0, len(data), 2)]
    return all(half in _IDLE for half in halves)

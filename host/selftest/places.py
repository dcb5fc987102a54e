"""The bytes of a linked ELF that are loaded: where each lies, what it is, and whether a verdict reaches it."""

import re
import subprocess
import tempfile
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from host.boards import qemu
from host.boards.symbolize import symbolize
from host.coverage.image import CODE, CONSTANT, Image, Mask, read_image
from host.coverage.marks import Marks
from host.coverage.steps import Steps

START = "nj_reset_handler"
# The firmware sums up its own image by these at its start: it reads all, and uses nothing of it.
SUMS = ("nj_image_add", "nj_crc32")
TOOLS = {"virtual": "arm-none-eabi-", "native": ""}


class Reach(StrEnum):
    """Whether a verdict on given vectors executes or reads a byte."""

    EXECUTED = "executed"
    READ = "read"
    NOT = "not reached"
    UNKNOWN = (
        "not counted"  # outside of the sections that are counted, or on a board that counts nothing
    )


@dataclass(frozen=True)
class Place:
    """A byte of the file that is loaded. symbol, within: what it belongs to, and which byte of that."""

    offset: int
    address: int
    section: str
    symbol: str
    within: int
    reach: str  # a Reach

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.section} {self.symbol or '(no symbol)'}+{self.within}"


@dataclass(frozen=True)
class _Span:
    """A stretch of the file, and the address of its first byte."""

    name: str
    offset: int
    size: int
    address: int


class Layout:
    """The loaded bytes of an ELF, numbered from 0; `reached` is a mask over its `image`, or None."""

    def __init__(self, elf: Path, image: Image | None = None, reached: Mask | None = None) -> None:
        self.elf = elf
        self._image = image
        self._reached = reached
        with elf.open("rb") as stream:
            file = ELFFile(stream)
            self._segments = [
                _Span("", s["p_offset"], s["p_filesz"], s["p_vaddr"])
                for s in file.iter_segments()
                if s["p_type"] == "PT_LOAD" and s["p_filesz"]
            ]
            self._sections = [
                _Span(s.name, s["sh_offset"], s["sh_size"], s["sh_addr"])
                for s in file.iter_sections()
                if s["sh_flags"] & SH_FLAGS.SHF_ALLOC and s["sh_type"] != "SHT_NOBITS"
            ]
            self._symbols = sorted(_symbols(file))
        self._starts = [address for address, _, _ in self._symbols]

    @property
    def size(self) -> int:
        """How many bytes are loaded."""
        return sum(segment.size for segment in self._segments)

    def place(self, number: int) -> Place:
        """Byte `number` of those that are loaded."""
        for segment in self._segments:
            if number < segment.size:
                return self._place(segment.offset + number, segment.address + number)
            number -= segment.size
        raise IndexError(number)

    def _place(self, offset: int, address: int) -> Place:
        section = next(
            (s.name for s in self._sections if s.offset <= offset < s.offset + s.size), "(headers)"
        )
        symbol, within = self._symbol(address)
        return Place(offset, address, section, symbol, within, self._reach(address))

    def _symbol(self, address: int) -> tuple[str, int]:
        number = bisect_right(self._starts, address)
        for begin, size, name in reversed(self._symbols[max(0, number - 8) : number]):
            if address < begin + size:
                return name, address - begin
        return "", 0

    def _reach(self, address: int) -> Reach:
        if self._image is None or self._reached is None:
            return Reach.UNKNOWN
        place = self._image.offset(address)
        if place is None:
            return Reach.UNKNOWN
        if not self._reached[place]:
            return Reach.NOT
        return Reach.EXECUTED if self._image.kinds[place] == CODE else Reach.READ


def _symbols(file: ELFFile) -> set[tuple[int, int, str]]:
    return {
        (
            symbol["st_value"] & ~(symbol["st_info"]["type"] == "STT_FUNC"),
            symbol["st_size"],
            symbol.name,
        )
        for table in file.iter_sections()
        if isinstance(table, SymbolTableSection)
        for symbol in table.iter_symbols()
        if symbol["st_size"] and symbol["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT")
    }


def reached_by(elf: Path, work: Callable[[], None]) -> tuple[Image, Mask]:
    """What virtual boards execute and read from reset on, while `work` uses `elf` on one.

    What the firmware reads to sum up its image counts for nothing: bool over the image's width.
    """
    image = read_image(elf)
    summing = [number for number, piece in enumerate(image.pieces) if piece.name in SUMS]
    extents = [(image.pieces[n].address, int((image.owners == n).sum())) for n in summing]
    sums = Steps((image.symbols[SUMS[0]],), tuple((begin, begin + n) for begin, n in extents))
    with tempfile.TemporaryDirectory(prefix="nightjar-") as folder:
        marks = Marks(Path(folder), image, sums, since=START)
        with qemu.with_arguments(marks.arguments()):
            work()
        begun, read = marks.row(0)
        begun = begun | marks.row(1)[0]
    read = read | np.isin(image.owners, summing)  # their own literals, which they use
    return image, image.instructions(begun) | (read & (image.kinds == CONSTANT))


def lines_of_code(elf: Path, board: str, place: Place) -> str:
    """The instruction at an executed place as objdump prints it; "" where it cannot."""
    begin, end = place.address - place.within, place.address + 4
    command = [f"{TOOLS[board]}objdump", "-d", f"--start-address={begin}", f"--stop-address={end}"]
    command += ["-marmv8.1-m.main"] * (board == "virtual")
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [*command, str(elf)],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        found = re.findall(r"^ *([0-9a-f]+):\t(.*)$", done.stdout, re.MULTILINE)
        before = [text for address, text in found if int(address, 16) <= place.address]
        return " ".join(before[-1].split()) if before else ""
    return ""


def source_of(elf: Path, board: str, place: Place) -> str:
    """file:line (function) of code."""
    return symbolize((f"{TOOLS[board]}addr2line",), elf, place.address)

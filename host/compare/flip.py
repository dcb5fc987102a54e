"""Flip a bit of a linked ELF: how the tester is tested.

Nothing else of the file changes: build-id, hashes and tables stay what they are. Identity finds the
flip, because the build has recorded the ELF's hash; once it is recorded anew (`write_record`), a
step of the tester's alone, only the tensors can tell.
"""

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from host.elf_record import write_record
from host.errors import BadInput
from host.project import DESCRIPTION, Project


@dataclass(frozen=True)
class Symbol:
    """A named object of an ELF and where its bytes lie in the file."""

    name: str
    offset: int
    size: int


def find_symbols(elf: Path, kind: str = "STT_OBJECT") -> list[Symbol]:
    """Every data object (or "STT_FUNC") with bytes in the file, in the order of their addresses."""
    with elf.open("rb") as stream:
        file = ELFFile(stream)
        found = []
        for table in file.iter_sections():
            if not isinstance(table, SymbolTableSection):
                continue
            for symbol in table.iter_symbols():
                index = symbol["st_shndx"]
                if symbol["st_info"]["type"] != kind or not isinstance(index, int):
                    continue
                section = file.get_section(index)
                if section["sh_type"] != "SHT_PROGBITS" or not symbol["st_size"]:
                    continue
                # The lowest bit of a Thumb function's address says that it is Thumb.
                thumb = kind == "STT_FUNC" and file["e_machine"] == "EM_ARM"
                address = symbol["st_value"] & ~1 if thumb else symbol["st_value"]
                offset = section["sh_offset"] + address - section["sh_addr"]
                found.append((address, Symbol(symbol.name, offset, symbol["st_size"])))
    return [symbol for _, symbol in sorted(found, key=lambda pair: (pair[0], pair[1].name))]


def flip_bit(elf: Path, symbol: Symbol, byte: int, bit: int) -> None:
    """Flip `bit` (0 to 7) of byte `byte` of a symbol, in place."""
    if not 0 <= byte < symbol.size or not 0 <= bit < 8:
        raise BadInput(
            "there is no such bit",
            evidence=f"Received: byte {byte}, bit {bit} of {symbol.name}, which has {symbol.size} bytes",
        )
    with elf.open("r+b") as stream:
        stream.seek(symbol.offset + byte)
        value = stream.read(1)[0]
        stream.seek(symbol.offset + byte)
        stream.write(bytes([value ^ 1 << bit]))


def find_symbol(elf: Path, name: str, kind: str = "STT_OBJECT") -> Symbol:
    """The symbol of that name.

    Raises:
        BadInput: there is none, or it has no bytes in the file.
    """
    for symbol in find_symbols(elf, kind):
        if symbol.name == name:
            return symbol
    raise BadInput(f"the ELF has no symbol {name}", evidence=f"Received: {elf}")


def overwrite(elf: Path, symbol: Symbol, data: bytes) -> None:
    """Write `data` over the first bytes of a symbol, in place."""
    if len(data) > symbol.size:
        raise BadInput(
            "the bytes do not fit the symbol",
            evidence=f"Received: {len(data)} bytes, {symbol.name} has {symbol.size}",
        )
    with elf.open("r+b") as stream:
        stream.seek(symbol.offset)
        stream.write(data)


def copy_project(project: Project, folder: Path) -> Project:
    """A copy of what it takes to judge a project, enough of it to spoil."""
    copied = replace(project, path=folder)
    for name in project.copied:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(project.path / name, folder / name)
    (folder / DESCRIPTION).write_bytes(project.description.to_json())
    return copied


def main(arguments: Sequence[str] | None = None) -> None:
    """Damage a linked ELF to see the harness find it."""
    parser = argparse.ArgumentParser("python -m host.compare.flip", description=main.__doc__)
    parser.add_argument("elf", metavar="ELF", type=Path)
    parser.add_argument("symbol", metavar="SYMBOL", help="a data object")
    parser.add_argument("byte", metavar="BYTE", type=int)
    parser.add_argument("bit", metavar="BIT", type=int, help="0 to 7")
    parser.add_argument(
        "--record",
        action="store_true",
        help="record the ELF as it is then, so that its tensors are judged; else it is IDENTITY",
    )
    given = parser.parse_args(arguments)
    flip_bit(given.elf, find_symbol(given.elf, given.symbol), given.byte, given.bit)
    print(f"{given.elf}: bit {given.bit} of byte {given.byte} of {given.symbol} flipped")
    if given.record:
        write_record(given.elf)
        print(f"{given.elf}: recorded anew")


if __name__ == "__main__":
    main()

"""Runs a model on the virtual board under our TCG plugin, and reads what it counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from host.boards import qemu
from host.boards.plugin import plugin_arguments
from host.errors import HostFailure

SOURCE = Path(__file__).with_name("nj_count.c")
ENGINE = ".engine_text"


@dataclass(frozen=True)
class Block:
    """A translated block: its address, its instructions, and how often each step ran it in one inference."""

    address: int
    instructions: int
    runs: tuple[float, ...]


@dataclass(frozen=True)
class Engine:
    """The engine's code in an ELF: its range, its functions as (address, size, name), and where each step begins."""

    begin: int
    end: int
    functions: tuple[tuple[int, int, str], ...]
    steps: tuple[int, ...]


def engine_of(elf: Path) -> Engine:
    """Read section headers and symbols.

    Raises:
        HostFailure: the ELF has no engine section.
    """
    with elf.open("rb") as stream:
        file = ELFFile(stream)
        section = file.get_section_by_name(ENGINE)
        if section is None:
            raise HostFailure(f"the firmware has no section {ENGINE}", evidence=str(elf))
        begin = section["sh_addr"]
        end = begin + section["sh_size"]
        found = {
            (symbol["st_value"] & ~1, symbol["st_size"], symbol.name)
            for table in file.iter_sections()
            if isinstance(table, SymbolTableSection)
            for symbol in table.iter_symbols()
            if symbol["st_info"]["type"] == "STT_FUNC" and begin <= symbol["st_value"] & ~1 < end
        }
    steps = {
        int(name.removeprefix("nj_step")): address
        for address, _, name in found
        if name.startswith("nj_step") and name.removeprefix("nj_step").isdigit()
    }
    return Engine(begin, end, tuple(sorted(found)), tuple(steps[i] for i in sorted(steps)))


@contextmanager
def counting(engine: Engine, folder: Path) -> Iterator[Path]:
    """Virtual boards that start inside the block count; yields the file of counts."""
    plan, counts = folder / "plan.txt", folder / "counts.bin"
    numbers = (engine.begin, engine.end, len(engine.steps), *engine.steps)
    plan.write_text(" ".join(map(str, numbers)))
    with qemu.with_arguments(plugin_arguments(SOURCE, **{"in": plan}, out=counts)):
        yield counts


def read_counts(path: Path) -> list[Block]:
    """The counts, divided by how often each step ran.

    Raises:
        HostFailure: nothing was counted.
    """
    if not path.is_file() or path.stat().st_size < 16:
        raise HostFailure(
            "the plugin has counted nothing",
            evidence=f"{path.name} is missing or empty",
            next_step="check that `qemu-system-arm -plugin help` knows the option",
        )
    raw = np.fromfile(path, np.uint64)
    count, steps = int(raw[0]), int(raw[1])
    entries = np.maximum(raw[2 : 2 + steps], 1).astype(np.float64)
    records = raw[2 + steps : 2 + steps + count * (3 + steps)].reshape(count, 3 + steps)
    return [
        Block(int(r[0]), int(r[1]), tuple(float(n) for n in r[3:].astype(np.float64) / entries))
        for r in records
        if r[3:].any()
    ]

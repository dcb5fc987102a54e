"""Writing an STM32N6's external NOR through any gdb server: the flash loader in RAM erases, programs and verifies.

The loader (firmware/boards/stm32n6/nj_flash_loader.c) is loaded like firmware. A breakpoint at `nj_loader_done` says
that it is ready; words of its mailbox say what to do next, and what came of it.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from host.boards.gdb_script import SAY_DONE, Guard, Server, Start, Target, connected, started
from host.boards.n6_image import ERASED, Piece
from host.errors import BadInput, FlashFailure
from host.n6_layout import layout

LOADER = "nj_flash_loader.elf"  # beside the firmware's ELF
SECTOR = 0x1000
_WORDS = ("state", "id", "command", "address", "bytes", "crc", "erased")  # struct nj_loader
_CHECK, _WRITE = 1, 2
NOR_SAID = "nightjar: nor"
_STATES = {
    1: "it does not answer, or is neither of the two that these boards have",
    2: "it does not take eight lines, or lets nothing be written",
    3: "it is busy for longer than its data sheet allows, or its controller stands still",
    16: "what was read back is not what was written",
    17: "it ends before that",
}


@dataclass(frozen=True)
class Loader:
    """The flash loader: its ELF, where it starts, where it waits, and its mailbox."""

    elf: Path
    start: Start
    done: int
    mailbox: int

    def word(self, name: str) -> str:
        """A word of the mailbox, as gdb's expression."""
        return f"*(unsigned *){self.mailbox + 4 * _WORDS.index(name):#x}"


@dataclass(frozen=True)
class Chunk:
    """Whole sectors of the NOR's window: where they begin, and what they are to hold."""

    address: int
    data: bytes

    @property
    def crc(self) -> int:
        """CRC-32 of the bytes."""
        return zlib.crc32(self.data)


@dataclass(frozen=True)
class NorReport:
    """What writing took: bytes that the NOR had to hold, and those that it did not hold before."""

    bytes: int
    written: int


def loader_beside(firmware: Path) -> Loader:
    """The flash loader that was built with `firmware`.

    Raises:
        BadInput: it is not there, or is no flash loader.
    """
    elf = firmware.parent / LOADER
    try:
        with elf.open("rb") as stream:
            file = ELFFile(stream)
            symbols = file.get_section_by_name(".symtab")
            names = ("nj_loader", "nj_loader_done")
            found = {name: symbols.get_symbol_by_name(name) for name in names}
            mailbox, done = (int(found[name][0]["st_value"]) for name in names)
    except Exception as error:
        raise BadInput(
            "nothing is there that writes the NOR: the flash loader is built beside the firmware",
            evidence=f"Received: {elf}: {error}",
            next_step="build the firmware with `nightjar build` for an STM32N6",
        ) from error
    return Loader(elf, Start.in_memory(layout()["FIRST_STAGE"]), done & ~1, mailbox)


def chunks(pieces: Iterable[Piece]) -> Iterator[Chunk]:
    """Pieces as whole sectors, none larger than the loader's buffer; behind a piece its last sector is erased.

    Raises:
        BadInput: a piece begins inside a sector.
    """
    most = layout()["LOADER_BUFFER_BYTES"]
    for piece in pieces:
        if piece.address % SECTOR:
            raise BadInput(
                "a piece of the NOR begins at a sector",
                evidence=f"Received: {piece.name} at {piece.address:#x}",
            )
        data = piece.data + bytes([ERASED]) * (-len(piece.data) % SECTOR)
        for at in range(0, len(data), most):
            yield Chunk(piece.address + at, data[at : at + most])


def nor_script(
    target: Target,
    server: Server,
    loader: Loader,
    files: Iterable[tuple[Chunk, str]],
    seconds: int,
    guard: Guard | None = None,
) -> str:
    """What gdb does: loads the loader, and gives it each chunk, in its file, that the NOR does not hold.

    What the NOR holds already is not sent. `guard` is what the chip is held to first.
    """
    held = [] if guard is None else [*guard.chip(server), *guard.boot(target, server)]
    state = loader.word("state")
    words = ", ".join(loader.word(name) for name in ("state", "id", "address"))
    failed = [f"if {state} != 0", f'printf "{NOR_SAID} failed %u %#x %#x\\n", {words}', "quit 3"]
    failed += ["end"]
    steps = [*held, *started(server, loader.start), f"break *{loader.done:#x}", "continue"]
    steps += failed
    for chunk, file in files:
        tell = [
            f"set var {loader.word('address')} = {chunk.address:#x}",
            f"set var {loader.word('bytes')} = {len(chunk.data):#x}",
        ]
        steps += [*tell, f"set var {loader.word('command')} = {_CHECK}", "continue", *failed]
        steps += [f"if {loader.word('crc')} != {chunk.crc:#x}"]
        steps += [f"restore {file} binary {layout()['LOADER_BUFFER']:#x}", *tell]
        steps += [f"set var {loader.word('command')} = {_WRITE}", "continue"]
        steps += [*failed, f"echo {NOR_SAID} wrote {len(chunk.data):#x}\\n", "end"]
        steps += [f'printf "{NOR_SAID} holds %#x %#x\\n", {chunk.address:#x}, {loader.word("crc")}']
    idle = [f"set var {loader.word('bytes')} = 0", f"set var {loader.word('command')} = {_CHECK}"]
    return connected(target, [*steps, *idle, *server.go, "detach", SAY_DONE], seconds)


def nor_said(output: str, wanted: list[Chunk]) -> NorReport:
    """What gdb's output tells of the writing.

    Raises:
        FlashFailure: the NOR does not answer, does not obey, or holds something else.
    """
    found = re.search(rf"^{NOR_SAID} failed (\d+) (\S+) (\S+)$", output, re.MULTILINE)
    if found is not None:
        state, identity, address = (int(found[i], 0) for i in (1, 2, 3))
        what = _STATES.get(state, f"the flash loader says {state}")
        where = f" at {address:#x}" if address else ""
        raise FlashFailure(
            f"the NOR cannot be written{where}: {what}",
            evidence=f"Received: its id 0x{identity:06x} (manufacturer in the lowest byte)",
            next_step="power-cycle the board; see that its switches stand for development boot",
        )
    wrote = re.findall(rf"^{NOR_SAID} wrote (\S+)$", output, re.MULTILINE)
    held = {
        int(found[1], 0): int(found[2], 0)
        for found in re.finditer(rf"^{NOR_SAID} holds (\S+) (\S+)$", output, re.MULTILINE)
    }
    for chunk in wanted:
        if held.get(chunk.address) != chunk.crc:
            crc = held.get(chunk.address)
            raise FlashFailure(
                f"the NOR does not hold what was written at {chunk.address:#x}",
                evidence=f"its CRC-32 is {'not said' if crc is None else f'{crc:#010x}'}, "
                f"and {chunk.crc:#010x} was written",
                next_step="power-cycle the board, then try again",
            )
    return NorReport(sum(len(chunk.data) for chunk in wanted), sum(int(one, 0) for one in wrote))

"""Flashing through gdb, as a debugger loads a board in its development boot mode; where its core is."""

import logging
import math
import re
import struct
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from host.boards.base import FlashReport
from host.boards.chip import check_uid
from host.boards.elf import Memory, Section, in_ram_alone, loaded_sections, start_of
from host.boards.flashers.nor import (
    NOR_SAID,
    Chunk,
    Loader,
    NorReport,
    chunks,
    loader_beside,
    nor_said,
    nor_script,
)
from host.boards.gdb_script import (
    BOOT_ROM,
    DONE,
    FLASH_BOOT,
    LOOK,
    LOOKS,
    OTHER_CHIP,
    SAY_DONE,
    SECONDS,
    Guard,
    Server,
    Start,
    Target,
    connected,
    script,
)
from host.boards.n6_image import Piece
from host.boards.whereabouts import BETWEEN
from host.deadline import Deadline
from host.errors import BoardFailure, FlashFailure, NightjarError
from host.tools import Overdue, find_tool, run_leashed

_LOG = logging.getLogger("nightjar.boards")
PROGRAM = "gdb-multiarch"
PACKAGE = "gdb-multiarch"
# A line of a backtrace: #0  0x10001234 in name (...) at file:line
_FRAME = r"^#\d+ +(?:0x[0-9a-f]+ in )?([^ (]+) \("


class GdbFailure(FlashFailure):
    """gdb could not do its work; `output` is all that it and a server of its own said."""

    def __init__(self, what: str, output: str, next_step: str) -> None:
        lines = [line for line in output.strip().split("\n") if line]
        evidence = " | ".join(lines[-6:]) or "gdb printed nothing"
        super().__init__(what, evidence=evidence, next_step=next_step)
        self.output = output

    @property
    def wrote(self) -> bool:
        """Whether anything may have been written to the board."""
        return "\nLoading section " in self.output


class GdbOverdue(GdbFailure):
    """gdb, or who it waited for, did not come to an end, and was ended with all that it had started."""


@dataclass(frozen=True)
class Debugger:
    """gdb on a server.

    memory: None where a reset alone starts what was loaded.
    guard: what the chip is held to before it is flashed; None: nothing.
    say: takes what was seen of the chip.
    """

    target: Target
    server: Server
    memory: Memory | None = None
    guard: Guard | None = None
    say: Callable[[str], None] = _LOG.info

    def flash(self, elf: Path, deadline: Deadline) -> FlashReport:
        """Write the sections of `elf`, read them back, and start it.

        Raises:
            HostFailure: gdb is missing.
            BadInput: there is no such ELF, or it is none for this board.
            IdentityFailure, BoardFailure: its chip is not the guard's, or does not wait in a development boot.
            FlashFailure: it could not be written, or reads back differently.
        """
        sections = loaded_sections(elf)
        commands = self.script(elf, _whole(deadline))
        started = time.monotonic()
        pieces = self.for_nor(elf)
        if pieces:
            self.write_nor(loader_beside(elf), pieces, deadline)
            there = {piece.address for piece in pieces}
            sections = [one for one in sections if one.start not in there]
        with self._loadable(elf) as path:
            output = self._run(commands, deadline, path)
        total = time.monotonic() - started
        size = re.search(r"load size (\d+)", output)
        if size is None:
            raise self._failed("gdb did not say what it wrote", output)
        self._check_read_back(sections, output)
        return FlashReport(int(size[1]), _transfer_seconds(output, int(size[1]), total), total)

    def for_nor(self, elf: Path) -> list[Piece]:
        """What an ELF has for the NOR; nothing where the board has none."""
        if self.memory is None:
            return []
        found = [one for one in loaded_sections(elf) if one.start in self.memory.nor]
        return [Piece(f"{elf.name}'s {one.name}", one.start, one.data) for one in found]

    def write_nor(self, loader: Loader, pieces: Iterable[Piece], deadline: Deadline) -> NorReport:
        """Let the NOR hold `pieces`, and the board be halted in its flash loader's place.

        Raises:
            HostFailure: gdb is missing.
            FlashFailure: the NOR does not answer, cannot be written, or reads back differently.
        """
        wanted = list(chunks(pieces))
        with tempfile.TemporaryDirectory(prefix="nightjar-nor-") as folder:
            files = []
            for number, chunk in enumerate(wanted):
                path = Path(folder, f"{number}.bin")
                path.write_bytes(chunk.data)
                files.append((chunk, str(path)))
            output = self._said(
                self.nor_script(loader, files, _whole(deadline)), deadline, loader.elf
            )
        report = nor_said(output, wanted) if NOR_SAID in output else None
        if report is None or DONE not in output:
            raise self._refused(output) or self._failed(
                "gdb could not write the board's NOR", output
            )
        return report

    def nor_script(
        self, loader: Loader, files: Iterable[tuple[Chunk, str]], seconds: int = SECONDS
    ) -> str:
        """What gdb is told to let the NOR hold the chunks of `files`. Nothing is run."""
        return nor_script(self.target, self.server, loader, files, seconds, self.guard)

    @contextmanager
    def _loadable(self, elf: Path) -> Iterator[Path]:
        """The ELF without what lies in the NOR, which gdb cannot write."""
        if self.memory is None or not self.memory.nor:
            yield elf
            return
        with tempfile.NamedTemporaryFile("wb", suffix=".elf") as file:
            file.write(in_ram_alone(elf.read_bytes(), self.memory))
            file.flush()
            yield Path(file.name)

    def script(self, elf: Path, seconds: int = SECONDS) -> str:
        """What gdb is told to write `elf`; `seconds` are the server's for an answer. Nothing is run.

        Raises:
            BadInput: there is no such ELF, or it is none for this board.
        """
        start = None if self.memory is None else start_of(elf, self.memory)
        return script(
            self.target, self.server, load=True, start=start, seconds=seconds, guard=self.guard
        )

    def reset(self, deadline: Deadline) -> None:
        """Start what is in the board's memory again, whatever state the CPU is in.

        Raises:
            HostFailure: gdb is missing.
            FlashFailure: gdb could not reach the board.
        """
        start = None if self.memory is None else Start.in_memory(self.memory.vectors)
        seconds = _whole(deadline)
        commands = script(self.target, self.server, load=False, start=start, seconds=seconds)
        self._run(commands, deadline, None)

    def looks(self, elf: Path, deadline: Deadline) -> list[tuple[int, list[str]]]:
        """Stop the CPU twice for a moment: its PC, and the functions under way, innermost first.

        Empty when gdb cannot.

        Raises:
            HostFailure: gdb is missing.
        """
        look = [
            'printf "nightjar: pc %#x\\n", (unsigned)$pc',
            "bt 32",
            *self.server.go,
            "detach",
        ]
        again = [f"shell sleep {BETWEEN}", self.target.connect]
        begin = connected(self.target, [], _whole(deadline))
        try:
            output = self._run(begin, deadline, elf, [*look, *again, *look])
        except FlashFailure:
            return []
        return [
            (int(part.split()[0], 16), re.findall(_FRAME, part, re.MULTILINE))
            for part in output.split("nightjar: pc ")[1:]
        ]

    def _check_read_back(self, sections: list[Section], output: str) -> None:
        """Hold what gdb read back to every section that the file's own headers load."""
        said = {
            (found[1], int(found[2], 16), int(found[3], 16)): found[4]
            for found in re.finditer(
                r"^Section (\S+), range (0x[0-9a-f]+) -- (0x[0-9a-f]+): (.*)$", output, re.MULTILINE
            )
        }
        wrong = [name for (name, _, _), verdict in said.items() if verdict != "matched."]
        if wrong:
            raise self._failed(
                f"the board's memory differs from what was written to it: {', '.join(wrong)}",
                output,
            )
        missing = [one for one in sections if (one.name, one.start, one.end) not in said]
        if missing:
            names = ", ".join(f"{one.name} at {one.start:#x}" for one in missing)
            raise self._failed(f"gdb has not read back what it wrote: {names}", output)

    def _run(
        self, commands: str, deadline: Deadline, elf: Path | None, more: Sequence[str] = ()
    ) -> str:
        """As `_said`, of a script that is done whole.

        Raises:
            FlashFailure: it is not.
        """
        output = self._said(commands, deadline, elf, more)
        if DONE not in output:
            raise self._refused(output) or self._failed(
                "gdb could not do its work on the board", output
            )
        return output

    def _said(
        self, commands: str, deadline: Deadline, elf: Path | None, more: Sequence[str] = ()
    ) -> str:
        """What gdb says to the script `commands`, which ends where a line fails, and then to each of `more`."""
        program = find_tool(PROGRAM, PACKAGE)
        with tempfile.NamedTemporaryFile("w", suffix=".gdb") as file:
            file.write(commands)
            file.flush()
            command = [program, *command_line(file.name, elf)[1:]]
            command += [word for one in (*more, SAY_DONE) * bool(more) for word in ("-ex", one)]
            try:
                output = run_leashed(
                    command,
                    deadline,
                    folder=self.target.folder,
                    environment={"DEBUGINFOD_URLS": ""},
                )[1]
            except Overdue as late:
                raise GdbOverdue(
                    "gdb did not finish before the deadline", late.said, self.server.trouble
                ) from late
        waits = re.search(rf"^{BOOT_ROM} (\w+)$", output, re.MULTILINE)
        if waits is not None:
            self.say(
                f"a development boot: after a reset its core stayed in the boot ROM for {LOOKS * LOOK:g} s,"
                f" at {waits[1]} in the end"
            )
        return output

    def _refused(self, output: str) -> NightjarError | None:
        """What the guard found wrong; None where it did not.

        Raises:
            IdentityFailure: another chip.
        """
        if self.guard is None:
            return None
        chip = re.search(rf"^{OTHER_CHIP} (\w{{8}}) (\w{{8}}) (\w{{8}})$", output, re.MULTILINE)
        if chip is not None:
            uid = struct.pack("<III", *(int(word, 16) for word in chip.groups()))
            check_uid(self.guard.name, self.guard.uid, uid, untouched=True)
        booted = re.search(rf"^{FLASH_BOOT} (\w+) (\d+)$", output, re.MULTILINE)
        if booted is not None:
            return BoardFailure(
                "the board boots from flash, and a development boot is needed: nothing was written",
                evidence=f"after a reset, at look {booted[2]} of {LOOKS} its core is at {booted[1]},"
                " and not in the boot ROM",
                next_step=f"switches: {self.guard.switches}; then power-cycle the board",
            )
        return None

    def _failed(self, what: str, output: str) -> GdbFailure:
        return GdbFailure(what, output, self.server.trouble)


def command_line(script: str, elf: Path | None) -> list[str]:
    """The command that runs gdb with a file of commands."""
    return [PROGRAM, "-nx", "-batch", "-x", script, *([] if elf is None else [str(elf.resolve())])]


def _whole(deadline: Deadline) -> int:
    """Seconds that a server has for one answer, as gdb takes them."""
    return max(1, math.ceil(min(deadline.remaining, SECONDS)))


def _transfer_seconds(output: str, size: int, total: float) -> float:
    """The time of the writing alone, from gdb's own rate; the whole time when gdb does not say it."""
    rate = re.search(r"Transfer rate: (\d+) (KB|bytes)/sec", output)
    if rate is None or int(rate[1]) == 0:
        return total
    return min(total, size / (int(rate[1]) * (1024 if rate[2] == "KB" else 1)))

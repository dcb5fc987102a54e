"""Flashing through gdb, as a debugger loads a board in its development boot mode; where it is."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from host.boards.base import FlashReport
from host.boards.tools import find_tool
from host.boards.whereabouts import BETWEEN
from host.deadline import Deadline
from host.errors import BadInput, FlashFailure

PROGRAM = "gdb-multiarch"
PACKAGE = "gdb-multiarch"
_DONE = "nightjar: done"
_SAY_DONE = f"echo {_DONE}\\n"
_RESET = "monitor system_reset"
_LOAD = "load\ncompare-sections"
# A line of a backtrace: #0  0x10001234 in name (...) at file:line
_FRAME = r"^#\d+ +(?:0x[0-9a-f]+ in )?([^ (]+) \("


@dataclass(frozen=True)
class Debugger:
    """gdb on the server that listens at `socket`.

    vectors: the address of the vector table that the core is started from, where a reset alone
    does not start what was loaded: development boot ends in the boot ROM, which waits for a debugger.
    """

    socket: Path
    vectors: int | None = None

    def flash(self, elf: Path, deadline: Deadline) -> FlashReport:
        """Write the sections of `elf`, read them back, and reset.

        Raises:
            HostFailure: gdb is missing.
            BadInput: there is no such ELF, or it is none.
            FlashFailure: it could not be written, or reads back differently.
        """
        _check_elf(elf)
        sections = _loaded_sections(elf)
        started = time.monotonic()
        # Where a debugger starts the core, what ran before may not touch what is written.
        steps = [_LOAD, _RESET] if self.vectors is None else [_RESET, _LOAD]
        output = _run(self.socket, self._script(*steps), deadline, elf)
        total = time.monotonic() - started
        size = re.search(r"load size (\d+)", output)
        if size is None:
            raise _failed("gdb did not say what it wrote", output)
        _check_read_back(sections, output)
        return FlashReport(int(size[1]), _transfer_seconds(output, int(size[1]), total), total)

    def reset(self, deadline: Deadline) -> None:
        """Start what is in the board's memory again, whatever state the CPU is in.

        Raises:
            HostFailure: gdb is missing.
            FlashFailure: gdb could not reach the board.
        """
        _run(self.socket, self._script(_RESET), deadline, None)

    def looks(self, elf: Path, deadline: Deadline) -> list[tuple[int, list[str]]]:
        """Stop the CPU twice for a moment: its PC, and the functions under way, innermost first.

        Empty when gdb cannot.

        Raises:
            HostFailure: gdb is missing.
        """
        look = ['printf "nightjar: pc %#x\\n", (unsigned)$pc', "bt 32", "detach"]
        again = [f"shell sleep {BETWEEN}", f"target remote {self.socket.name}"]
        try:
            output = _run(self.socket, "", deadline, elf, [*look, *again, *look])
        except FlashFailure:
            return []
        return [
            (int(part.split()[0], 16), re.findall(_FRAME, part, re.MULTILINE))
            for part in output.split("nightjar: pc ")[1:]
        ]

    def _script(self, *steps: str) -> str:
        """Commands that end with a core that runs."""
        lines = list(steps)
        if self.vectors is not None:
            # After a reset, which alone clears what no debugger can: control, the stacks' limits, masks.
            lines += [
                f"set $sp = *(unsigned *){self.vectors:#x}",
                f"set $pc = *(unsigned *){self.vectors + 4:#x} & ~1",
                "set $xpsr = 0x1000000",
            ]
        return "\n".join([*lines, "detach", _SAY_DONE, ""])


_Section = tuple[str, int, int]  # name, first physical address, the one behind the last


def _check_read_back(sections: list[_Section], output: str) -> None:
    """Hold what gdb read back to every section that the file's own headers load."""
    said = {
        (found[1], int(found[2], 16), int(found[3], 16)): found[4]
        for found in re.finditer(
            r"^Section (\S+), range (0x[0-9a-f]+) -- (0x[0-9a-f]+): (.*)$", output, re.MULTILINE
        )
    }
    wrong = [name for (name, _, _), verdict in said.items() if verdict != "matched."]
    if wrong:
        raise _failed(
            f"the board's memory differs from what was written to it: {', '.join(wrong)}", output
        )
    missing = [section for section in sections if section not in said]
    if missing:
        names = ", ".join(f"{name} at {start:#x}" for name, start, _ in missing)
        raise _failed(f"gdb has not read back what it wrote: {names}", output)


def _loaded_sections(elf: Path) -> list[_Section]:
    """Every section with bytes that is loaded."""
    try:
        with elf.open("rb") as stream:
            file = ELFFile(stream)
            segments = [one for one in file.iter_segments() if one["p_type"] == "PT_LOAD"]
            found = []
            for section in file.iter_sections():
                start, size = int(section["sh_addr"]), int(section["sh_size"])
                allocated = section["sh_flags"] & SH_FLAGS.SHF_ALLOC
                if not size or not allocated or section["sh_type"] == "SHT_NOBITS":
                    continue
                for segment in segments:
                    if segment.section_in_segment(section):
                        start += segment["p_paddr"] - segment["p_vaddr"]
                found.append((section.name, start, start + size))
            return found
    except (ELFError, ConstructError) as error:
        raise BadInput(
            "the sections of the firmware cannot be read",
            evidence=f"Received: {elf}: {error}",
            next_step="build the firmware again with `nightjar build`",
        ) from error


def _run(
    socket: Path,
    commands: str,
    deadline: Deadline,
    elf: Path | None,
    more: Sequence[str] = (),
) -> str:
    """What gdb says to `commands`, which end where one fails, and then to each of `more`."""
    program = find_tool(PROGRAM, PACKAGE)
    seconds = max(1, int(deadline.remaining))
    script = (
        "set confirm off\nset pagination off\nset width 0\nset architecture armv8.1-m.main\n"
        f"set remotetimeout {seconds}\nset tcp connect-timeout {seconds}\n"
        f"target remote {socket.name}\n{commands}"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".gdb") as file:
        file.write(script)
        file.flush()
        command = [program, "-nx", "-batch", "-x", file.name]
        command += [word for one in (*more, _SAY_DONE) * bool(more) for word in ("-ex", one)]
        if elf is not None:
            command.append(str(elf.resolve()))
        try:
            done = subprocess.run(
                command,
                cwd=socket.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=max(deadline.remaining, 0.001),
                env={**os.environ, "LC_ALL": "C", "DEBUGINFOD_URLS": ""},
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as error:
            said = error.stdout.decode(errors="replace") if error.stdout else ""
            raise _failed("gdb did not finish before the deadline", said) from error
    if _DONE not in done.stdout:
        raise _failed("gdb could not do its work on the board", done.stdout)
    return done.stdout


def _check_elf(elf: Path) -> None:
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
            "the virtual board runs ELF files for Arm only",
            evidence=f"Received: {elf}, which begins with {head.hex()}",
            next_step="build the firmware for this board: `nightjar build --board virtual`",
        )


def _transfer_seconds(output: str, size: int, total: float) -> float:
    """The time of the writing alone, from gdb's own rate; the whole time when gdb does not say it."""
    rate = re.search(r"Transfer rate: (\d+) (KB|bytes)/sec", output)
    if rate is None or int(rate[1]) == 0:
        return total
    return min(total, size / (int(rate[1]) * (1024 if rate[2] == "KB" else 1)))


def _failed(what: str, output: str) -> FlashFailure:
    lines = [line for line in output.strip().split("\n") if line]
    return FlashFailure(
        what,
        evidence=" | ".join(lines[-6:]) or "gdb printed nothing",
        next_step="end the board with `nightjar board down`, then try again",
    )

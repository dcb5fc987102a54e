"""The virtual STM32N6: our machine in QEMU runs the very ELF of a board, loaded as into its development boot."""

import os
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from host.boards import qemu
from host.boards.base import FlashReport
from host.boards.bench_file import Machine as Fitting
from host.boards.elf import Memory, loaded_sections
from host.boards.flashers.nor import loader_beside
from host.boards.folder import hold_folder
from host.boards.gdb import Debugger
from host.boards.kinds import DK, VIRTUAL_N6, VIRTUAL_UID
from host.boards.n6_image import FIRST_STAGE, application, first_stage
from host.boards.process import end, end_child
from host.boards.pty_front import keep_front
from host.boards.record import Record
from host.boards.tiers import tier_of
from host.boards.virtual import START, VirtualBoard
from host.boards.virtual_n6.build import require_program
from host.boards.whereabouts import Whereabouts
from host.deadline import Deadline
from host.errors import BoardFailure, FlashFailure, NightjarError
from host.files import sha256_file
from host.link.transport import Transport
from host.n6_layout import layout

BAUD = 921600  # of USART1, as the firmware of both boards sets it
_OPTION = "-machine"
_FLASH_BOOT = "switches=flash"
_OWN_NOR = "nor=nor"  # in the board's own folder
_BOARD, _UID, _MICROPHONE = "board=", "uid=", "microphone="
_PC = re.compile(r"\bpc ([0-9a-f]{8})\b")
_WORD = re.compile(r"(?:[^,]|,,)+")  # of an option: a comma in a file's name is doubled


def development_boot() -> Memory:
    """What the boot ROM waits with for a debugger: AXISRAM1 and 2 are on, the application begins behind its offset."""
    at = layout()
    return Memory(
        at["APPLICATION"],
        range(at["AXISRAM1"], at["AXISRAM2"] + at["AXISRAM2_BYTES"]),
        range(at["NOR"], at["NOR_END"]),
    )


def machine_of(kind: str, fitting: Fitting, boot: str = "development") -> qemu.Machine:
    """The machine that stands for a kind of board.

    Args:
        kind: whose NOR it has.
        fitting: its unique id's last character, and the files of its NOR, of its card and of what it hears; an absent
            file of a NOR is an erased one.
        boot: where its switches stand, "development" or "flash".
    """
    words = ["nightjar-n6", f"board={kind}"]
    if fitting.uid is not None:
        words.append(f"uid={fitting.uid}")
    for name, file in fitting.files():
        # A comma ends a property unless it is doubled.
        words.append(f"{name}=" + str(Path(file).absolute()).replace(",", ",,"))
    if boot == "flash":
        words += [] if fitting.nor is not None else [_OWN_NOR]
        words.append(_FLASH_BOOT)
    return _machine(",".join(words))


def unique_id(character: str | None) -> str:
    """The 96 bits of a virtual chip's unique id, 24 hex digits; `character` ends it, "0" unless the bench says."""
    return (VIRTUAL_UID + (character or "0").encode()).hex()


def _machine(option: str) -> qemu.Machine:
    return qemu.Machine(
        program=require_program,
        arguments=(
            _OPTION,
            option,
            *qemu.common(_shift(option)),
            *qemu.SERIAL,
        ),  # USART1 is the only port
        sockets=(qemu.GDB_SOCKET, qemu.UART_SOCKET),
        runs=_FLASH_BOOT in _WORD.findall(option),
    )


def _shift(option: str) -> int:
    """Of `-icount`: with a microphone an instruction takes 2 ns, about what it takes on silicon, else 64."""
    return 1 if any(word.startswith(_MICROPHONE) for word in _WORD.findall(option)) else 6


def _words_of(command: Sequence[str]) -> list[str]:
    """What a command of QEMU says of its machine."""
    return _WORD.findall(command[command.index(_OPTION) + 1])


def kind_of(elf: Path) -> str | None:
    """The kind of board that an ELF says it is for in its HELLO; None where it names not exactly one of ours.

    Raises:
        BadInput: there is no such ELF, or it is none.
    """
    sections = loaded_sections(elf)
    kinds = tier_of(VIRTUAL_N6).runs
    found = [kind for kind in kinds if any(kind.encode() + b"\0" in one.data for one in sections)]
    return found[0] if len(found) == 1 else None


class N6VirtualBoard(VirtualBoard):
    """One QEMU of ours; our own, or a kept one that a record describes.

    It stands for the STM32N6570-DK until it is flashed with firmware of another kind of board.
    """

    name = VIRTUAL_N6
    machine: ClassVar[qemu.Machine] = machine_of(DK.name, Fitting())
    memory: ClassVar[Memory | None] = development_boot()
    _flashed: Path | None = None  # by us

    @classmethod
    def keep(cls, folder: Path, hold: int, machine: qemu.Machine | None = None) -> Record:
        """As VirtualBoard.keep, with a pty for whoever looks for a serial port: `tty` in the folder."""
        require_program()
        front = keep_front(folder, qemu.UART_SOCKET, BAUD)
        try:
            return super().keep(folder, hold, machine)
        except BaseException:
            front.kill()
            raise

    def flash(self, elf: Path, deadline: Deadline) -> FlashReport:
        """As VirtualBoard.flash. Where the switches stand for flash boot, the first stage and `elf` go to the NOR."""
        try:
            return self._flash(elf, deadline)
        except FlashFailure as error:
            error.evidence = qemu.with_notes(error.evidence, self._folder)
            raise

    def _flash(self, elf: Path, deadline: Deadline) -> FlashReport:
        self._flashed = elf
        kind = kind_of(elf)
        told = now = self._told()
        if kind is not None:
            told = [_BOARD + kind if word.startswith(_BOARD) else word for word in now]
        if _FLASH_BOOT not in told:
            if told != now:
                self._exchange(_machine(",".join(told)))
            return super().flash(elf, deadline)
        started = time.monotonic()
        pieces = [first_stage(elf.with_name(FIRST_STAGE)), *application(elf)]
        self._remember(None)
        self._exchange(_machine(",".join(word for word in told if word != _FLASH_BOOT)))
        report = self._debugger.write_nor(loader_beside(elf), pieces, deadline)
        written = time.monotonic() - started
        self._exchange(_machine(",".join(told)))
        self._remember(sha256_file(elf))
        return FlashReport(report.bytes, written, time.monotonic() - started)

    def connect(self, deadline: Deadline) -> Transport:
        return self.connect_slow(deadline)

    def whereabouts(self, elf: Path, deadline: Deadline) -> Whereabouts | None:
        """As VirtualBoard.whereabouts; the place says, too, what the machine noted: a step that was forgotten."""
        where = super().whereabouts(elf, deadline)
        if where is None:
            return None
        return replace(where, place=qemu.with_notes(where.place, self._folder))

    def noted(self) -> tuple[str, ...]:
        return qemu.notes(self._folder)

    def _why_died(self) -> NightjarError:
        """As VirtualBoard._why_died; where the program counter was in what we have flashed, by file and line."""
        error = super()._why_died()
        elf = self._flashed
        if elf is not None:
            error.evidence = _PC.sub(
                lambda pc: f"{pc[0]} ({self.symbolize(elf, int(pc[1], 16))})", error.evidence
            )
        return error

    def require_fitted(self, name: str, machine: qemu.Machine) -> None:
        """Refuse a kept board whose switches or NOR are not the bench's.

        It was started before the bench said so, or a flash that was killed has left its switches moved: what ran then
        would be taken for what boots from the NOR.

        Raises:
            BoardFailure: naming both.
        """
        now, wanted = (
            [word for word in words if not word.startswith(_BOARD)]
            for words in (self._told(), _words_of(machine.arguments))
        )
        if now != wanted:
            raise BoardFailure(
                f"the kept board {name} does not stand as its bench says",
                evidence=f"it runs {','.join(now)}, and the bench says {','.join(wanted)}",
                next_step=f"`nightjar board down {name}`, then `nightjar board up {name}`",
            )

    @property
    def boot(self) -> str:
        return "flash" if _FLASH_BOOT in self._told() else "ram"

    @property
    def unique_id(self) -> str:
        """As its machine was told."""
        found = [word for word in self._told() if word.startswith(_UID)]
        return unique_id(found[0].removeprefix(_UID) if found else None)

    @property
    def _debugger(self) -> Debugger:
        made = super()._debugger
        boots = _FLASH_BOOT in self._told()
        return replace(made, memory=None) if boots else made

    def _told(self) -> list[str]:
        """What the QEMU that runs was told of its machine, word by word."""
        try:
            words = Path(f"/proc/{self._process.pid}/cmdline").read_text().split("\0")
        except OSError:
            words = []
        if _OPTION not in words:
            raise self._why_died()
        return _words_of(words)

    def _exchange(self, machine: qemu.Machine) -> None:
        """Another machine in the place of the one that runs."""
        limit = Deadline.after(START)
        if self._record is None:
            assert self._child is not None
            end_child(self._child)
            self._child, self._process = qemu.start(
                self._folder, machine, kept=False, deadline=limit, more=self._more
            )
            return
        end(self._process)
        hold = hold_folder(self._folder)
        try:
            child, self._process = qemu.start(
                self._folder, machine, kept=True, deadline=limit, hold=hold
            )
        finally:
            os.close(hold)  # the process holds it
        child.returncode = 0  # it is nobody's child to wait for: it stays
        self._record = replace(self._record, process=self._process, elf_sha256=None)
        self._record.save()

"""The virtual board: a Cortex-M55 in QEMU, flashed through gdb, reached through its network chip or UART0."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from host.boards import gdb, qemu
from host.boards.base import FlashReport
from host.boards.elf import Memory
from host.boards.folder import OwnFolder, own_folder
from host.boards.gdb_script import Target
from host.boards.lock import right_now, this_command
from host.boards.process import ProcessId, end_child
from host.boards.record import Record
from host.boards.symbolize import symbolize
from host.boards.whereabouts import Whereabouts, of_looks
from host.deadline import Deadline
from host.errors import FlashFailure, NightjarError
from host.files import sha256_file
from host.link.packets import Packets
from host.link.transport import Transport, Watch
from host.link.unix_stream import connect_unix

NAME = "virtual"
START = 20.0  # seconds that QEMU has to open its sockets; it needs 0.1 on an idle computer


class VirtualBoard:
    """One QEMU; ours, or a kept one that `record` describes."""

    name = NAME
    machine: ClassVar[qemu.Machine] = qemu.AN547
    memory: ClassVar[Memory | None] = None  # as gdb.Debugger's

    def __init__(
        self,
        folder: Path,
        process: ProcessId,
        *,
        child: "subprocess.Popen[bytes] | None" = None,
        own: OwnFolder | None = None,
        record: Record | None = None,
        more: tuple[str, ...] = (),
    ) -> None:
        self._folder = folder
        self._process = process
        self._child = child
        self._own = own
        self._record = record
        self._more = more

    @classmethod
    def start(
        cls, private: Path, more: tuple[str, ...] = (), machine: qemu.Machine | None = None
    ) -> "VirtualBoard":
        """Start a board of our own, its QEMU with `more` arguments; it dies with us.

        machine: another one than this kind of board has by itself.
        """
        own, limit = own_folder(private), Deadline.after(START)
        try:
            child, process = qemu.start(
                own.path, machine or cls.machine, kept=False, deadline=limit, more=more
            )
        except BaseException:
            own.remove()
            raise
        return cls(own.path, process, child=child, own=own, more=more)

    @classmethod
    def keep(cls, folder: Path, hold: int, machine: qemu.Machine | None = None) -> Record:
        """Start a board that outlives us in `folder`, holding the lock `hold`, and record it."""
        limit = Deadline.after(START)
        child, process = qemu.start(
            folder, machine or cls.machine, kept=True, deadline=limit, hold=hold
        )
        try:
            record = Record(folder, process, True, None, right_now(), this_command())
            record.save()
        except BaseException:
            end_child(child)
            raise
        child.returncode = 0  # it is nobody's child to wait for: it stays
        return record

    @classmethod
    def attach(cls, record: Record) -> "VirtualBoard":
        """Use a kept board."""
        assert record.process is not None
        return cls(record.folder, record.process, record=record)

    @property
    def boot(self) -> str:
        """It has no choice."""
        return ""

    @property
    def kept(self) -> bool:
        return self._record is not None

    @property
    def unique_id(self) -> str | None:
        """The unique id of its chip, 24 hex digits, as far as it is known without asking firmware."""
        return None

    def flash(self, elf: Path, deadline: Deadline) -> FlashReport:
        # What is in memory is unknown until the new firmware is whole.
        self._remember(None)
        try:
            report = self._debugger.flash(elf, deadline)
        except FlashFailure as error:
            raise self._cause_of(error) from error
        if self._record is not None:
            self._remember(sha256_file(elf))
        return report

    def reset(self, deadline: Deadline) -> None:
        try:
            self._debugger.reset(deadline)
        except FlashFailure as error:
            raise self._cause_of(error) from error

    def connect(self, deadline: Deadline) -> Transport:
        return Packets(
            str(self._folder / qemu.NET_BOARD), str(self._folder / qemu.NET_HOST), self._watch()
        )

    def connect_slow(self, deadline: Deadline) -> Transport:
        return connect_unix(str(self._folder / qemu.UART_SOCKET), deadline, self._watch())

    def symbolize(self, elf: Path, pc: int) -> str:
        return symbolize(("arm-none-eabi-addr2line",), elf, pc)

    def whereabouts(self, elf: Path, deadline: Deadline) -> Whereabouts | None:
        return of_looks(elf, self._debugger.looks(elf, deadline), self.symbolize)

    def noted(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        if self._child is not None:
            end_child(self._child)
        if self._own is not None:
            self._own.remove()

    @property
    def _debugger(self) -> gdb.Debugger:
        target = Target.parse(str(self._folder / qemu.GDB_SOCKET))
        return gdb.Debugger(target, target.server, self.memory)

    def _remember(self, elf_sha256: str | None) -> None:
        if self._record is not None:
            self._record = replace(self._record, elf_sha256=elf_sha256)
            self._record.save()

    def _watch(self) -> Watch:
        return Watch(self._process.pid, self._why_died)

    def _why_died(self) -> NightjarError:
        return qemu.why_died(self._folder, None if self._child is None else self._child.poll())

    def _cause_of(self, error: FlashFailure) -> NightjarError:
        """Why gdb failed, as far as it is the QEMU process."""
        if not self._process.alive:
            return self._why_died()
        if qemu.answers(self._folder, Deadline.after(qemu.ANSWER)):
            return error
        if not self._process.alive:  # meanwhile
            return self._why_died()
        return qemu.hangs(self._process, self._folder, kept=self.kept)

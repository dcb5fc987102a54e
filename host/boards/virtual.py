"""The virtual board: a Cortex-M55 in QEMU, flashed through gdb, reached through its network chip or UART0."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from host.boards import gdb, qemu
from host.boards.base import FlashReport
from host.boards.folder import kept_folder, make_private, own_folder
from host.boards.lock import right_now, this_command
from host.boards.process import ProcessId, end
from host.boards.record import Record
from host.boards.symbolize import symbolize
from host.boards.whereabouts import Whereabouts, in_code, most_telling
from host.deadline import Deadline
from host.errors import FlashFailure
from host.files import sha256_file
from host.link.packets import Packets
from host.link.transport import Transport, Watch
from host.link.unix_stream import connect_unix

NAME = "virtual"
_START = 20.0  # seconds that QEMU has to open its sockets; it needs 0.1 on an idle computer


class VirtualBoard:
    """One QEMU; ours, or a kept one that `record` describes."""

    name = NAME

    def __init__(
        self,
        folder: Path,
        process: ProcessId,
        *,
        child: "subprocess.Popen[bytes] | None" = None,
        record: Record | None = None,
        root: Path | None = None,
    ) -> None:
        self._folder = folder
        self._process = process
        self._child = child
        self._record = record
        self._root = root

    @classmethod
    def start(cls, more: tuple[str, ...] = ()) -> "VirtualBoard":
        """Start a board of our own, its QEMU with `more` arguments; it dies with us."""
        folder = own_folder()
        try:
            child = qemu.start(folder, kept=False, deadline=Deadline.after(_START), more=more)
            return cls(folder, qemu.process_of(child, folder), child=child)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    @classmethod
    def keep(cls, root: Path) -> Record:
        """Start a board that outlives us, and record it under `root`."""
        folder = kept_folder(root, NAME)
        make_private(folder)
        try:
            child = qemu.start(folder, kept=True, deadline=Deadline.after(_START))
            try:
                process = qemu.process_of(child, folder)
                record = Record(NAME, folder, process, True, None, right_now(), this_command())
                record.save(root)
            except BaseException:
                child.kill()
                child.wait()
                raise
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        child.returncode = 0  # it is nobody's child to wait for: it stays
        return record

    @classmethod
    def attach(cls, record: Record, root: Path) -> "VirtualBoard":
        """Use a kept board."""
        assert record.process is not None
        return cls(record.folder, record.process, record=record, root=root)

    @property
    def kept(self) -> bool:
        return self._record is not None

    def flash(self, elf: Path, deadline: Deadline) -> FlashReport:
        digest = None
        if self._record is not None and self._root is not None:
            # What is in memory is unknown until the new firmware is whole.
            self._record = replace(self._record, elf_sha256=None)
            self._record.save(self._root)
        try:
            report = gdb.flash(self._folder / qemu.GDB_SOCKET, elf, deadline)
        except FlashFailure as error:
            raise self._died_or(error) from error
        if self._record is not None and self._root is not None:
            digest = sha256_file(elf)
            self._record = replace(self._record, elf_sha256=digest)
            self._record.save(self._root)
        return report

    def reset(self, deadline: Deadline) -> None:
        try:
            gdb.reset(self._folder / qemu.GDB_SOCKET, deadline)
        except FlashFailure as error:
            raise self._died_or(error) from error

    def connect(self, deadline: Deadline) -> Transport:
        return Packets(
            str(self._folder / qemu.NET_BOARD), str(self._folder / qemu.NET_HOST), self._watch()
        )

    def connect_slow(self, deadline: Deadline) -> Transport:
        return connect_unix(str(self._folder / qemu.UART_SOCKET), deadline, self._watch())

    def symbolize(self, elf: Path, pc: int) -> str:
        return symbolize(("arm-none-eabi-addr2line",), elf, pc)

    def whereabouts(self, elf: Path, deadline: Deadline) -> Whereabouts | None:
        looks = gdb.looks(self._folder / qemu.GDB_SOCKET, elf, deadline)
        return most_telling(
            [
                Whereabouts(pc, self.symbolize(elf, pc), in_code(elf, pc), _waits(functions))
                for pc, functions in looks
            ]
        )

    def close(self) -> None:
        if self._record is None:
            end(self._process, self._child)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _watch(self) -> Watch:
        return Watch(self._process.pid, lambda: qemu.why_died(self._folder))

    def _died_or(self, error: FlashFailure) -> Exception:
        return error if self._process.alive else qemu.why_died(self._folder)


def _waits(functions: list[str]) -> bool:
    """Whether the loop that serves requests is the innermost function, or waits for the port.

    Innermost first.
    """
    outer = functions[functions.index("serve") :] if "serve" in functions else []
    inner = functions[: len(functions) - len(outer)]
    return bool(outer) and (not inner or inner[-1] in ("port_read", "port_idle"))

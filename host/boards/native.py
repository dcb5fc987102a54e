"""The native board: the firmware as a process of this computer, reached through a unix socket."""

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from host.boards.base import FlashReport
from host.boards.folder import OwnFolder, hold_folder, own_folder
from host.boards.lock import right_now, this_command
from host.boards.process import ProcessId, end, end_child, ended_within, error_text, spawn
from host.boards.record import Record
from host.boards.stopped import stop_at
from host.boards.symbolize import symbolize
from host.boards.whereabouts import BETWEEN, Whereabouts, in_code, most_telling
from host.deadline import Deadline
from host.errors import BadInput, BoardFailure, FirmwareFailure, FlashFailure, NightjarError
from host.files import sha256_file
from host.link.transport import Transport, Watch
from host.link.unix_stream import connect_unix
from host.tools import find_tool

NAME = "native"
_FIRMWARE = "nightjar.elf"
_SOCKET = "link.sock"
_STARTS = "starts"
_RESETS = 16  # bits of a boot number in which the firmware counts its own resets
_LOOK = 0.002  # seconds between two looks at a process that is starting


class NativeBoard:
    """A folder with the firmware that was flashed last, and its process."""

    name = NAME
    unique_id = None  # it has no chip

    def __init__(
        self, folder: Path, *, own: OwnFolder | None = None, record: Record | None = None
    ) -> None:
        self._folder = folder
        self._own = own
        self._record = record
        self._process = None if record is None else record.process
        self._child: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, private: Path) -> "NativeBoard":
        """A board of our own; its process dies with us."""
        own = own_folder(private)
        return cls(own.path, own=own)

    @classmethod
    def keep(cls, folder: Path, hold: int) -> Record:
        """Record a board in `folder` whose firmware outlives us; it runs from the first flash on.

        Until then nobody holds the lock `hold`.
        """
        record = Record(folder, None, False, None, right_now(), this_command())
        record.save()
        return record

    @classmethod
    def attach(cls, record: Record) -> "NativeBoard":
        """Use a kept board."""
        return cls(record.folder, record=record)

    @property
    def boot(self) -> str:
        """It has no choice."""
        return ""

    @property
    def kept(self) -> bool:
        return self._record is not None

    def flash(self, elf: Path, deadline: Deadline) -> FlashReport:
        started = time.monotonic()
        if not elf.is_file():
            raise BadInput(
                "the firmware cannot be read",
                evidence=f"Received: {elf}",
                next_step="build it with `nightjar build --board native`",
            )
        self._stop()
        copy = self._folder / _FIRMWARE
        begun = time.monotonic()
        self._copy(elf, copy, deadline)
        written = time.monotonic() - begun
        if sha256_file(copy) != sha256_file(elf):
            raise FlashFailure(
                "the firmware changed while it was copied",
                evidence=f"Received: {elf}",
                next_step="flash again when its build has ended",
            )
        self._run(deadline)
        size = copy.stat().st_size
        return FlashReport(size, written, time.monotonic() - started)

    def reset(self, deadline: Deadline) -> None:
        self._stop()
        self._run(deadline)

    def connect(self, deadline: Deadline) -> Transport:
        if self._process is None:
            if self._child is not None:
                # It opened its socket and was gone before it could be looked at.
                self._child.wait()
                raise self._why_died()
            raise BoardFailure(
                "the native board runs no firmware",
                evidence="nothing was flashed",
                next_step="flash it with `nightjar flash --board native`",
            )
        try:
            watch = Watch(self._process.pid, self._why_died)
        except NightjarError:
            raise self._why_died() from None
        return connect_unix(str(self._folder / _SOCKET), deadline, watch)

    def connect_slow(self, deadline: Deadline) -> Transport:
        return self.connect(deadline)

    def symbolize(self, elf: Path, pc: int) -> str:
        return symbolize(("addr2line",), elf, pc)

    def whereabouts(self, elf: Path, deadline: Deadline) -> Whereabouts | None:
        if self._process is None:
            return None
        looks = []
        for number in range(2):
            time.sleep(number * min(BETWEEN, deadline.remaining))
            stop = stop_at(self._process, deadline)
            if stop is not None:
                place = (
                    f"the system call {stop.call}" if stop.call else self.symbolize(elf, stop.pc)
                )
                inside = in_code(elf, stop.pc)
                looks.append(Whereabouts(stop.pc, place, inside, bool(stop.call)))
        return most_telling(looks)

    def noted(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        if self._own is not None:
            self._stop()
            self._own.remove()

    def _copy(self, elf: Path, copy: Path, deadline: Deadline) -> None:
        """A copy, as a board has: what happens to the file later changes nothing.

        Made by a process of its own. A file that is open for writing cannot be run, and whatever
        another thread of ours starts meanwhile would hold what we had opened.
        """
        copy.unlink(missing_ok=True)
        try:
            done = subprocess.run(
                [find_tool("cp", "coreutils"), "--", str(elf), str(copy)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=max(deadline.remaining, 0.001),
            )
        except subprocess.TimeoutExpired as error:
            raise FlashFailure(
                "the firmware was not copied before the deadline",
                evidence=f"Received: {elf}",
                next_step="give a longer deadline, or run again when the computer is less busy",
            ) from error
        if done.returncode != 0:
            raise FlashFailure(
                "the firmware could not be copied",
                evidence=f"Received: {done.stderr.strip()}",
                next_step="free disk space, or see whether the file can be read",
            )
        copy.chmod(0o700)

    def _starts(self) -> int:
        """How often the firmware of this board was started, this time counted."""
        path = self._folder / _STARTS
        count = int(path.read_text(encoding="ascii")) + 1 if path.exists() else 1
        path.write_text(str(count), encoding="ascii")
        return count

    def _run(self, deadline: Deadline) -> None:
        path = self._folder / _SOCKET
        command = [str(self._folder / _FIRMWARE), "--socket", _SOCKET]
        command += ["--boot", str(self._starts() << _RESETS)]
        if not os.access(command[0], os.X_OK):
            raise BoardFailure(
                "the native board runs no firmware",
                next_step="flash it with `nightjar flash --board native`",
            )
        hold = hold_folder(self._folder) if self.kept else None
        try:
            path.unlink(missing_ok=True)
            child = spawn(command, self._folder, kept=self.kept, hold=hold)
        finally:
            if hold is not None:
                os.close(hold)  # the process holds it
        self._child = child
        while not path.exists():
            if ended_within(child.pid, deadline.at_most(_LOOK)):
                child.wait()
                raise self._why_died()
            if deadline.expired:
                self._stop()
                raise BoardFailure(
                    "the native firmware did not open its socket before the deadline",
                    evidence=error_text(self._folder) or "it printed nothing",
                    next_step="run again when the computer is less busy",
                )
        self._process = ProcessId.of(child.pid)
        self._remember(sha256_file(self._folder / _FIRMWARE))

    def _stop(self) -> None:
        if self._child is not None:
            end_child(self._child)
        elif self._process is not None:
            end(self._process)
        self._process, self._child = None, None
        self._remember(None)

    def _remember(self, elf_sha256: str | None) -> None:
        if self._record is not None:
            self._record = replace(self._record, process=self._process, elf_sha256=elf_sha256)
            self._record.save()

    def _why_died(self) -> NightjarError:
        code = None if self._child is None else self._child.poll()
        text = error_text(self._folder)
        if code is not None and code < 0 and -code not in (signal.SIGKILL, signal.SIGTERM):
            return FirmwareFailure(
                f"the native firmware died by {signal.Signals(-code).name}",
                evidence=text or "it printed nothing",
                next_step="run its ELF under gdb with the same request",
            )
        return BoardFailure(
            "the process of the native board has ended",
            evidence="; ".join(
                [f"exit status {code}"] * (code is not None) + [f"it said: {text}"] * bool(text)
            )
            or "it printed nothing; somebody may have killed it",
            next_step="flash it again",
        )

"""The record of a kept board, which lies in the board's own folder and names nothing outside it."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from host.boards.folder import LOCK, kept_folder
from host.boards.lock import read_private
from host.boards.process import ProcessId
from host.files import write_atomically
from host.locks import is_held
from host.typed import typed

SCHEMA = "nightjar/board-record/1"
PORT = "tty"
GDB_SOCKET = "gdb.sock"
_FILE = "record.json"


@dataclass(frozen=True)
class Record:
    """A kept board. `process` is None where a board needs none before its first flash."""

    folder: Path  # not in the file: where the file lies
    process: ProcessId | None
    needs_process: bool  # whether it is gone when its process is
    elf_sha256: str | None  # of what was flashed last
    since: str  # ISO 8601
    command: str  # that started it

    @property
    def port(self) -> Path | None:
        """The pty of its serial line, as a link in its folder; None where there is none."""
        link = self.folder / PORT
        return link if link.is_symlink() else None

    @property
    def gdb(self) -> Path | None:
        """The unix socket of its gdb server; None where there is none."""
        path = self.folder / GDB_SOCKET
        return path if path.is_socket() else None

    def save(self) -> None:
        """Write the record whole or not at all."""
        raw: dict[str, Any] = {"schema": SCHEMA, **asdict(self)}
        del raw["folder"]
        data = (json.dumps(raw, indent=1, sort_keys=True) + "\n").encode()
        write_atomically(self.folder / _FILE, data, mode=0o600)


@dataclass(frozen=True)
class _File:
    """What the file says."""

    process: ProcessId | None
    needs_process: bool
    elf_sha256: str | None
    since: str
    command: str


def find_record(private: Path, name: str) -> Record | None:
    """The kept board of that name; None when there is none, or when it has ended by itself.

    Nothing is written, and nothing is removed.
    """
    found = _read(private, name)
    return None if found is None or _has_ended(found) else found


def find_ended(private: Path, name: str) -> Record | None:
    """As `find_record`, of a board that has ended by itself or was killed, and that nobody has cleared away since."""
    found = _read(private, name)
    return found if found is not None and _has_ended(found) else None


def _has_ended(record: Record) -> bool:
    return record.needs_process and (record.process is None or not record.process.alive)


def _read(private: Path, name: str) -> Record | None:
    folder = kept_folder(private, name)
    if folder.is_symlink() or not folder.is_dir():
        return None
    raw = read_private(folder / _FILE)
    if raw is None or raw.pop("schema", None) != SCHEMA:
        return None
    try:
        said = typed(_File, raw)
    except ValueError:
        return None
    return Record(folder, **vars(said))


def is_in_use(private: Path, name: str) -> bool:
    """Whether a process holds the kept board's folder, be it one that we cannot see."""
    return is_held(kept_folder(private, name) / LOCK)


def forget(private: Path, name: str) -> None:
    """Remove the kept board's folder. The caller has ended its process."""
    shutil.rmtree(kept_folder(private, name), ignore_errors=True)

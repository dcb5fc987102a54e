"""The record of a kept board, build/boards/NAME.json, with a copy in the board's own folder."""

import json
import logging
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from host.boards.folder import kept_folder
from host.boards.process import ProcessId
from host.files import write_atomically

SCHEMA = "nightjar/board/1"
_LOG = logging.getLogger("nightjar.boards")
_COPY = "record.json"


@dataclass(frozen=True)
class Record:
    """A kept board. `process` is None where a board needs none before its first flash."""

    name: str
    folder: Path
    process: ProcessId | None
    needs_process: bool  # whether it is gone when its process is
    elf_sha256: str | None  # of what was flashed last
    since: str  # ISO 8601
    command: str  # that started it

    @property
    def stale(self) -> bool:
        """Whether the board has ended without `nightjar board down`."""
        if not self.folder.is_dir():
            return True
        return self.needs_process and (self.process is None or not self.process.alive)

    def to_json(self) -> bytes:
        raw = {**asdict(self), "schema": SCHEMA, "folder": str(self.folder)}
        return (json.dumps(raw, indent=1, sort_keys=True) + "\n").encode()

    def save(self, root: Path) -> None:
        """Write the record whole or not at all."""
        write_atomically(self.folder / _COPY, self.to_json())
        write_atomically(root / f"{self.name}.json", self.to_json())

    def remove(self, root: Path) -> None:
        """Remove record and folder."""
        (root / f"{self.name}.json").unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def find_record(root: Path, name: str) -> Record | None:
    """The kept board of that name; one that has ended meanwhile is cleaned away, with a warning.

    A board whose record was deleted (everything under build/ may be) is found by its folder.
    """
    record = _load(root / f"{name}.json") or _load(kept_folder(root, name) / _COPY)
    if record is None:
        return None
    if record.stale:
        _LOG.warning("the kept board %s has ended by itself; its record is removed", name)
        record.remove(root)
        return None
    return record


def _load(path: Path) -> Record | None:
    try:
        raw = json.loads(path.read_bytes())
        if raw.pop("schema") != SCHEMA:
            return None
        process = raw.pop("process")
        return Record(
            folder=Path(raw.pop("folder")),
            process=None if process is None else ProcessId(**process),
            **raw,
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None

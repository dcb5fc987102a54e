"""Where a study is kept: a URL that any number of computers can open."""

import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import Any

from host.errors import BadInput
from model_gen.tuning.extra import optuna

JOURNAL = "journal:///"
_MEMORY = re.compile(r"sqlite(\+\w+)?:(//)?(/(:memory:)?)?(\?.*)?")  # which ends with the process
_TRIES = 5  # two processes that make the tables of a new database at once get in each other's way
_BETWEEN = 0.3  # seconds
_LONGEST = 1 << 20  # bytes of a journal's first line
_WAIT = 60.0  # seconds that SQLite waits for another process to end its writing


def open_storage(url: str) -> Any:
    """The store at a URL: of SQLAlchemy (sqlite, postgresql, mysql and others), or journal:///FILE.

    A journal is a file that is only ever appended to, under a lock that holds on NFS, too; a file of
    SQLite is for one computer.

    Raises:
        BadInput: it is no URL, its driver is not installed, nothing answers there, what lies there
            is something else, or it would end with this process.
    """
    package = optuna()
    if url.startswith("journal:"):
        return _journal(package, url)
    if _MEMORY.fullmatch(url):
        raise _refusal(url, "a study in memory ends with its process")
    import sqlalchemy

    patient = {"connect_args": {"timeout": _WAIT}} if url.startswith("sqlite:") else {}
    for left in reversed(range(_TRIES)):
        try:
            return package.storages.RDBStorage(url, engine_kwargs=patient)
        except sqlalchemy.exc.DBAPIError as error:
            if not left:
                raise _refusal(url, str(error.orig)) from error
            time.sleep(_BETWEEN)
        except (sqlalchemy.exc.SQLAlchemyError, ImportError, ValueError, RuntimeError) as error:
            raise _refusal(url, str(error)) from error
    raise AssertionError


def located(url: str) -> str:
    """One name of a store, whichever way a file's path is spelled: 16 hex digits."""
    scheme, _, path = url.partition(":///")
    if scheme == "sqlite":
        url = f"{scheme}:///{os.path.realpath(path)}"
    elif scheme == "journal":
        url = f"{scheme}:///{os.path.realpath(journal_file(url))}"
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def hidden(url: str) -> str:
    """A URL for people: without the password that it may hold, be it one that should have been escaped."""
    told = re.sub(r"(?<=://)([^:/@]*):.*@", r"\1:***@", url)
    return re.sub(r"(?i)(passw(?:or)?d=)[^&]*", r"\1***", told)


def journal_file(url: str) -> Path:
    """The file of a journal's URL, from the root of the file system on: journal:///net/study.log."""
    return Path("/", url.removeprefix(JOURNAL).lstrip("/"))


def not_a_store(url: str, error: Exception) -> BadInput:
    """The refusal of a database that opens, and keeps no study: its tables are of something else."""
    told = str(error.__cause__ or error)
    return _refusal(url, f"no study can be kept there: {told}")


def _journal(package: Any, url: str) -> Any:
    if not url.startswith(JOURNAL):
        raise _refusal(url, "a journal's URL has three slashes, and the file's whole path")
    backend = package.storages.journal
    path = journal_file(url)
    try:
        _require_journal(url, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = backend.JournalFileSymlinkLock(str(path))
        _drop_torn_line(path, lock)
        return backend.JournalStorage(backend.JournalFileBackend(str(path), lock))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise _refusal(url, f"{type(error).__name__}: {error}") from error


def _require_journal(url: str, path: Path) -> None:
    """Refuse a file that something else wrote: what is appended to it would spoil it."""
    if not path.exists():
        return
    with path.open("rb") as file:
        first = file.readline(_LONGEST)
    try:
        known = not first or "op_code" in json.loads(first)
    except (ValueError, TypeError):
        known = False
    if not known:
        raise _refusal(url, "the file is no journal of studies")


def _drop_torn_line(path: Path, lock: Any) -> None:
    """Take away what a full disk left of a last line: what is appended to it would spoil the journal.

    Whoever wrote it knows that it failed; under the lock, nobody writes now.
    """
    if not path.exists():
        return
    lock.acquire()
    try:
        with path.open("rb+") as file:
            whole = file.read()
            if not whole.endswith(b"\n"):
                file.truncate(whole.rfind(b"\n") + 1)
    finally:
        lock.release()


def _refusal(url: str, reason: str) -> BadInput:
    first = (reason.strip().splitlines() or ["nothing answers"])[0].replace(url, hidden(url))
    return BadInput(
        "--storage must be the URL of a store that can be opened",
        evidence=f"Received: {hidden(url)}: {first}",
        next_step="for example --storage sqlite:///study.db for one computer, "
        "--storage journal:///net/share/study.log for a shared folder, "
        "or postgresql://USER:PASSWORD@HOST/NAME, whose driver is installed beside",
    )

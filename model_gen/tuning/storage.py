"""Where a study is kept: a URL that any number of computers can open."""

import hashlib
import os
import re
import time
from pathlib import Path
from typing import Any

from host.errors import BadInput
from model_gen.tuning.extra import optuna

JOURNAL = "journal://"
_TRIES = 5  # two processes that make the tables of a new database at once get in each other's way
_BETWEEN = 0.3  # seconds
_WAIT = 60.0  # seconds that SQLite waits for another process to end its writing


def open_storage(url: str) -> Any:
    """The store at a URL: of SQLAlchemy (sqlite, postgresql, mysql and others), or journal:///FILE.

    A journal is a file that is only ever appended to, under a lock that holds on NFS, too; a file of
    SQLite is for one computer.

    Raises:
        BadInput: it is no URL, its driver is not installed, or nothing answers there.
    """
    package = optuna()
    if url.startswith(JOURNAL):
        return _journal(package, url)
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
    if scheme in ("sqlite", "journal"):
        url = f"{scheme}:///{os.path.realpath(path)}"
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def hidden(url: str) -> str:
    """A URL for people: without the password that it may hold."""
    return re.sub(r"(?<=://)([^:/@]*):[^@]*@", r"\1:***@", url)


def _journal(package: Any, url: str) -> Any:
    backend = package.storages.journal
    path = Path(url.removeprefix(JOURNAL))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return backend.JournalStorage(backend.JournalFileBackend(str(path)))
    except (OSError, ValueError) as error:
        raise _refusal(url, f"{type(error).__name__}: {error}") from error


def _refusal(url: str, reason: str) -> BadInput:
    first = (reason.strip().splitlines() or ["nothing answers"])[0].replace(url, hidden(url))
    return BadInput(
        "--storage must be the URL of a store that can be opened",
        evidence=f"Received: {hidden(url)}: {first}",
        next_step="for example --storage sqlite:///study.db for one computer, "
        "--storage journal:///net/share/study.log for a shared folder, "
        "or postgresql://USER:PASSWORD@HOST/NAME, whose driver is installed beside",
    )

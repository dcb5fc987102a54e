"""Where a history lies: the path of a SQLite file, or the URL of a PostgreSQL database."""

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from host.errors import BadInput, HostFailure
from host.installed import setup_command
from host.places import problem_above

WAIT = 60  # seconds for others who write
_HEADER = b"SQLite format 3\0"


@dataclass(frozen=True)
class Address:
    """A file, or a URL; one of them is None."""

    file: Path | None
    url: URL | None

    @classmethod
    def parse(cls, text: str) -> "Address":
        """What a user gave.

        Raises:
            BadInput: it is a URL of something else.
        """
        if "://" not in text:
            return cls(Path(text), None)
        try:
            url = make_url(text)
            name = url.get_backend_name()
        except (ArgumentError, NoSuchModuleError, ValueError) as error:
            raise _other(text.split("://", 1)[0]) from error
        if name != "postgresql":
            raise _other(url.drivername)
        return cls(None, url.set(drivername="postgresql+psycopg"))

    @property
    def shown(self) -> str:
        """For messages: without the password."""
        if self.url is None:
            return str(self.file)
        return self.url.set(drivername="postgresql").render_as_string(hide_password=True)

    @property
    def name(self) -> str:
        """For a page that others see: the file's name, or the database's."""
        return self.file.name if self.file is not None else str(self.url and self.url.database)

    def check(self, *, write: bool) -> None:
        """Refuse, before anything runs, a file that is no store or cannot be written.

        Raises:
            BadInput: it is none.
            HostFailure: it cannot be read or written.
        """
        if self.file is None:
            return
        if not self.file.exists():
            problem = problem_above(self.file)
            if problem:
                raise self._refused(problem)
            return
        if not self.file.is_file():
            raise BadInput(
                "a history is a file, or the URL of a database",
                evidence=f"Received: {self.file}, which is none",
                next_step="give the path of a new file, for example history.sqlite",
            )
        try:
            with self.file.open("rb") as stream:
                head = stream.read(len(_HEADER))
        except OSError as error:
            raise self._refused(error.strerror or type(error).__name__) from error
        if head and head != _HEADER:
            raise BadInput(
                "this file is no history of nightjar",
                evidence=f"Received: {self.file}, which begins with {head[:8]!r}",
                next_step="give the path of a new file, for example history.sqlite",
            )
        if write and not os.access(self.file, os.W_OK):
            raise self._refused("it is not writable")

    def engine(self, *, write: bool) -> Engine:
        """What connects to it; nothing is opened yet.

        Raises:
            HostFailure: the driver of PostgreSQL is not installed.
        """
        if self.file is not None:
            mode = "rwc" if write else "rw" if os.access(self.file, os.W_OK) else "ro"
            path = self.file.absolute().as_uri()
            return create_engine(
                URL.create("sqlite", database=path, query={"mode": mode, "uri": "true"}),
                connect_args={"timeout": WAIT},
                poolclass=NullPool,
            )
        assert self.url is not None
        try:
            return create_engine(
                self.url, connect_args={"connect_timeout": WAIT}, poolclass=NullPool
            )
        except ModuleNotFoundError as error:
            raise HostFailure(
                "the driver of PostgreSQL is not installed",
                evidence=f"Received: {error}",
                next_step=f"{setup_command('postgres')}, or give the path of a file",
            ) from error

    def advice(self, said: str) -> str:
        """What to do where the database refuses."""
        if self.file is None:
            return (
                "check that the server runs, the URL, and that its user may create and write tables"
            )
        if "locked" in said:
            return f"another process has kept the file for {WAIT} s: end it, then run the command again"
        return "free disk space, or mend the permissions of the file and of its folder; no run is half written"

    def _refused(self, problem: str) -> HostFailure:
        return HostFailure(
            "the history cannot be opened",
            evidence=f"Received: {self.file}: {problem}",
            next_step="mend its permissions, or give another file",
        )


def _other(scheme: str) -> BadInput:
    return BadInput(
        "a history is a file, or a PostgreSQL database by its URL",
        evidence=f"Received: {scheme}://...",
        next_step="give a path, or postgresql://USER@HOST/DATABASE",
    )

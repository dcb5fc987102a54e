"""The store of the history: a SQLite file, or a PostgreSQL database that several hosts share.

A run is one transaction: it is there whole or not at all, whatever ends a process, and any number write at once.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, desc, event, insert, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from host.errors import BadInput, HostFailure
from host.history.address import Address
from host.history.run import Place, Run, columns_of, layers_of
from host.history.schema import GUARDS, META, RUNS, STRUCTURES, TABLES, VERSION

_LOCK = 0x6E6A6869  # of PostgreSQL, while the tables are made
_COLUMNS = [RUNS.c[field.name] for field in fields(Run) if field.name != "layers"]


@dataclass(frozen=True)
class Store:
    """An open store."""

    address: Address
    engine: Engine

    def add(self, verdict: Mapping[str, Any], place: Place) -> int:
        """Append a verdict `nightjar/verify/1`; the id of its run.

        Raises:
            HostFailure: the store cannot be written; nothing of the run is in it.
        """
        layers = layers_of(verdict)
        digest = hashlib.sha256(layers.encode()).hexdigest()
        text = json.dumps(verdict, allow_nan=False, separators=(",", ":"))
        row = {
            **columns_of(verdict, place),
            "recorded": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "structure": digest,
            "verdict": zlib.compress(text.encode()),
        }
        with self._told("written"), self.engine.begin() as connection:
            dialect = postgresql if self.engine.dialect.name == "postgresql" else sqlite
            known = dialect.insert(STRUCTURES).values(digest=digest, layers=layers)
            connection.execute(known.on_conflict_do_nothing())
            made = connection.execute(insert(RUNS).values(**row)).inserted_primary_key
        assert made is not None
        return int(made[0])

    def runs(self, limit: int | None = None, **equal: object) -> list[Run]:
        """The runs whose columns are `equal` to what is given, oldest first; of many only the last `limit`."""
        query = select(*_COLUMNS)
        for name, value in equal.items():
            query = query.where(RUNS.c[name] == value)
        with self._told("read"), self.engine.begin() as connection:
            rows: Sequence[Any] = connection.execute(
                query.order_by(desc(RUNS.c.id)).limit(limit)
            ).all()
            layers = self._layers(connection, {row.structure for row in rows})
        *names, last = [field.name for field in fields(Run)]
        assert last == "layers"
        return [
            Run(**dict(zip(names, row, strict=True)), layers=layers[row.structure])
            for row in reversed(rows)
        ]

    def _layers(self, connection: Connection, wanted: set[str]) -> dict[str, str]:
        """The layers of each structure: a text that its runs share."""
        query = select(STRUCTURES.c.digest, STRUCTURES.c.layers)
        return {row.digest: row.layers for row in connection.execute(query) if row.digest in wanted}

    def run(self, number: int) -> Run:
        """One run.

        Raises:
            BadInput: there is none of that number.
        """
        found = self.runs(1, id=number)
        if not found:
            raise BadInput(
                f"the history has no run {number}",
                evidence=f"Received: {self.address.shown}",
                next_step="`nightjar history list` shows the runs that it has",
            )
        return found[0]

    def verdict(self, number: int) -> dict[str, Any]:
        """The verdict of a run, `nightjar/verify/1`.

        Raises:
            BadInput: there is no such run, or what is stored is damaged.
        """
        self.run(number)
        with self._told("read"), self.engine.begin() as connection:
            query = select(RUNS.c.verdict).where(RUNS.c.id == number)
            stored: Any = connection.execute(query).scalar()
        try:
            found: dict[str, Any] = json.loads(zlib.decompress(stored))
        except (TypeError, ValueError, zlib.error) as error:
            raise BadInput(
                f"run {number} of the history is damaged",
                evidence=f"Received: {self.address.shown}: {type(error).__name__}: {error}",
                next_step="restore the store from a copy; its other runs can be read",
            ) from error
        return found

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        with _told(self.address, done):
            yield


@contextmanager
def opened(place: str, *, write: bool = False) -> Iterator[Store]:
    """The store at `place`, a file or a URL; with `write` it is made where there is none.

    Raises:
        BadInput: there is none, or what is there is no store, or one of another version.
        HostFailure: it cannot be opened.
    """
    address = Address.parse(place)
    if not write and address.file is not None and not address.file.exists():
        raise _absent(address)
    address.check(write=write)
    if write and address.file is not None:
        address.file.absolute().parent.mkdir(parents=True, exist_ok=True)
    with _told(address, "opened"):
        engine = address.engine(write=write)
    _transactions(engine, write=write)
    try:
        with _told(address, "opened"), engine.begin() as connection:
            _prepare(connection, address, write=write)
        yield Store(address, engine)
    finally:
        engine.dispose()


def _transactions(engine: Engine, *, write: bool) -> None:
    """SQLite begins a transaction where SQLAlchemy does; one that will write waits for its turn first."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def plain(connection: Any, record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _prepare(connection: Connection, address: Address, *, write: bool) -> None:
    """Check the tables; make them in an empty database that is to be written."""
    if write and connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    names = set(inspect(connection).get_table_names())
    if META.name in names:
        _check_version(connection, address)
    elif names & set(TABLES.tables) or (names and address.file is not None):
        raise BadInput(
            "this database is no history of nightjar",
            evidence=f"Received: {address.shown} with the tables {', '.join(sorted(names)[:5])}",
            next_step="give the path of a new file, or a database of its own",
        )
    elif write:
        TABLES.create_all(connection)
        for guard in GUARDS[connection.dialect.name]:
            connection.exec_driver_sql(guard)
        connection.execute(insert(META).values(version=VERSION))
    else:
        raise _absent(address)


def _check_version(connection: Connection, address: Address) -> None:
    found = connection.execute(select(META.c.version)).scalars().all()
    if found != [VERSION]:
        raise BadInput(
            f"the history is of another version: this nightjar reads version {VERSION}",
            evidence=f"Received: {address.shown} of version {', '.join(map(str, found)) or 'none'}",
            next_step="use the nightjar that wrote it, or a newer one; or begin a new store. Nothing was changed",
        )


def _absent(address: Address) -> BadInput:
    return BadInput(
        "there is no history yet",
        evidence=f"Received: {address.shown}",
        next_step="`nightjar verify MODEL --history FILE` or `nightjar history add FILE.json` begins one",
    )


@contextmanager
def _told(address: Address, done: str) -> Iterator[None]:
    """What the database refuses, as a failure with its next step."""
    try:
        yield
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip()
        if "not a database" in said or "malformed" in said:
            raise BadInput(
                "this file is no history of nightjar, or a damaged one",
                evidence=f"Received: {address.shown}: {said}",
                next_step="give the path of a new file, or restore the store from a copy",
            ) from error
        raise HostFailure(
            f"the history cannot be {done}",
            evidence=f"Received: {address.shown}: {said[:500]}",
            next_step=address.advice(said),
        ) from error

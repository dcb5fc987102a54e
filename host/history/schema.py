"""The tables of the store, the same in SQLite and in PostgreSQL; nothing in them is ever changed or removed."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

VERSION = 1
_METADATA = MetaData()

META = Table("nightjar_history", _METADATA, Column("version", Integer, nullable=False))
# Which layers a model has: most runs share it with the run before.
STRUCTURES = Table(
    "structures",
    _METADATA,
    Column("digest", String(64), primary_key=True),  # SHA-256 of `layers`
    Column("layers", Text, nullable=False),
)
# The members of host.history.run.Run, which says what they mean; `verdict` is nightjar/verify/1 as zlib's.
RUNS = Table(
    "runs",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("recorded", String(20), nullable=False),
    *(
        Column(name, Text, nullable=False)
        for name in (
            *("commit", "branch", "model", "model_sha256", "board", "kind", "tier", "uid"),
            *("backend", "build_id", "compiler", "state", "unit"),
        )
    ),
    Column("dirty", Boolean, nullable=False),
    Column("exit_code", Integer, nullable=False),
    Column("vectors", Integer, nullable=False),
    Column("frontend", BigInteger),
    Column("model_cost", BigInteger),
    *(
        Column(name, BigInteger, nullable=False)
        for name in ("flash", "engine_flash", "ram", "arena", "stack")
    ),
    Column("code", Float),
    Column("constants", Float),
    Column("structure", String(64), nullable=False),
    Column("costs", Text, nullable=False),
    Column("verdict", LargeBinary, nullable=False),  # last: reading a row's others leaves it alone
    Index("runs_series", "model", "board", "tier", "backend"),
    Index("runs_commit", "commit"),
    sqlite_autoincrement=True,
)
TABLES = _METADATA

_SQLITE = (
    "CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END"
)
_POSTGRES = (
    "CREATE FUNCTION nightjar_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the history is append-only'; END $$",
    *(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "EXECUTE FUNCTION nightjar_append_only()"
        for table in ("runs", "structures")
    ),
)
# What keeps rows as they are, by dialect.
GUARDS = {
    "sqlite": tuple(
        _SQLITE.format(table=table, verb=verb)
        for table in ("runs", "structures")
        for verb in ("update", "delete")
    ),
    "postgresql": _POSTGRES,
}

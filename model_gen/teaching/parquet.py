"""A teacher's scores as a Parquet table: a row a window; what holds for all lies in its metadata."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from host.errors import HostFailure
from host.installed import setup_command
from model_gen.teaching.scores import Scores, unreadable

_META = b"nightjar"  # key of the metadata, whose value is JSON


def arrow() -> Any:
    """The package pyarrow, with pyarrow.compute and pyarrow.parquet.

    Raises:
        HostFailure: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise HostFailure(
            "Parquet needs the extra `parquet`",
            evidence=f"Received: {error}",
            next_step=f"{setup_command('parquet')}, or use a file that ends in .npz",
        ) from error
    return pyarrow


def to_parquet(scores: Scores) -> bytes:
    """The bytes of the table.

    Raises:
        HostFailure: as `arrow`.
    """
    pa = arrow()
    columns: dict[str, Any] = {
        "sha256": pa.array(scores.sha256.tolist(), pa.string()),
        "path": pa.array(scores.path.tolist(), pa.string()),
        "start_seconds": pa.array(scores.start_seconds),
        "scores": _lists(pa, scores.scores),
    }
    if scores.embedding is not None:
        columns["embedding"] = _lists(pa, scores.embedding)
    said = {
        "labels": scores.labels,
        "kind": scores.kind,
        "window_seconds": scores.window_seconds,
        "identity": scores.identity,
    }
    table = pa.table(columns).replace_schema_metadata({_META: json.dumps(said).encode()})
    stream = io.BytesIO()
    pa.parquet.write_table(table, stream)
    return stream.getvalue()


def from_parquet(data: bytes, path: Path) -> dict[str, Any]:
    """The fields of the table by their names, as an .npz has them.

    Raises:
        BadInput: it is no such table.
        HostFailure: as `arrow`.
    """
    pa = arrow()
    try:
        table = pa.parquet.read_table(io.BytesIO(data))
        held: dict[str, Any] = json.loads((table.schema.metadata or {})[_META])
        for name, read in _READERS.items():
            if name in table.column_names:
                held[name] = read(pa, table.column(name).combine_chunks())
    except (pa.ArrowException, KeyError, ValueError, TypeError, OSError) as error:
        raise unreadable(path, f"{type(error).__name__}: {str(error)[:200]}") from error
    return held


def _texts(pa: Any, column: Any) -> Any:
    """[n], of whatever text a writer has; "" where it is null."""
    return np.array(column.cast(pa.string()).fill_null("").to_pylist(), np.str_)


def _numbers(pa: Any, column: Any) -> Any:
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)


def _rows(pa: Any, column: Any) -> Any:
    """[n, values] of lists that all have as many; NaN where a list, or a value of one, is null.

    Raises:
        ValueError: they have not.
    """
    sizes = pa.compute.list_value_length(column).drop_null().unique().to_pylist()
    if pa.types.is_fixed_size_list(column.type):
        sizes = [column.type.list_size]
    if len(sizes) > 1:
        raise ValueError(f"lists of {min(sizes)} to {max(sizes)} values")
    size = sizes[0] if sizes else 0
    known = column.is_valid().to_numpy(zero_copy_only=False)
    found = np.full((len(column), size), np.nan)
    values = column.drop_null().flatten().to_numpy(zero_copy_only=False)
    found[known] = values.reshape(int(known.sum()), size)
    return found


# Fields of Scores that are columns; others in the table are its maker's own.
_READERS: dict[str, Callable[[Any, Any], Any]] = {
    "sha256": _texts,
    "path": _texts,
    "start_seconds": _numbers,
    "scores": _rows,
    "embedding": _rows,
}


def _lists(pa: Any, rows: Any) -> Any:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])

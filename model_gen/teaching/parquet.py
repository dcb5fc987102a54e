"""A teacher's scores as a Parquet table: a row a window; what holds for all lies in its metadata."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from host.errors import HostFailure
from model_gen.teaching.scores import Scores, unreadable

_META = b"nightjar"  # key of the metadata, whose value is JSON


def arrow() -> Any:
    """The package pyarrow, with pyarrow.parquet.

    Raises:
        HostFailure: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise HostFailure(
            "Parquet needs the extra `parquet`",
            evidence=f"Received: {error}",
            next_step="pip install 'nightjar[parquet]', or use a file that ends in .npz",
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
        for name in table.column_names:
            column = table.column(name).combine_chunks()
            if pa.types.is_string(column.type):
                held[name] = np.array(column.to_pylist(), np.str_)
            elif pa.types.is_floating(column.type):
                held[name] = column.to_numpy(zero_copy_only=False)
            else:  # lists, all of one length
                values = column.flatten().to_numpy(zero_copy_only=False)
                held[name] = values.reshape(len(column), -1)
    except (pa.ArrowException, KeyError, ValueError, TypeError, OSError) as error:
        raise unreadable(path, f"{type(error).__name__}: {str(error)[:200]}") from error
    return held


def _lists(pa: Any, rows: Any) -> Any:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])

"""A teacher's scores as a file: .npz, or .parquet with the extra `parquet`."""

import io
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from host.errors import BadInput
from host.files import write_atomically
from host.reading import read_file
from model_gen.teaching.scores import AGAIN, WINDOW_SECONDS, Scores, unreadable

SUFFIXES = (".npz", ".parquet")
MOST_BYTES = 64 << 30  # of a file


def is_scores(path: Path) -> bool:
    """Whether a file is scores by its name, and no model."""
    return path.suffix in SUFFIXES


def check_suffix(option: str, path: Path) -> None:
    """Refuse a name that says neither of the two forms.

    Raises:
        BadInput: naming `option`.
        HostFailure: .parquet is asked for, and the extra is not there.
    """
    if not is_scores(path):
        raise BadInput(
            f"{option} must name a file that ends in {' or '.join(SUFFIXES)}",
            evidence=f"Received: {path}",
            next_step=f"for example {option} {path.with_suffix('.npz')}",
        )
    if path.suffix == ".parquet":
        from model_gen.teaching.parquet import arrow

        arrow()


def write_scores(path: Path, scores: Scores) -> None:
    """Write scores whole or not at all; the same scores give the same bytes of an .npz.

    Raises:
        HostFailure: it is .parquet, and the extra is not there.
    """
    if path.suffix == ".parquet":
        from model_gen.teaching.parquet import to_parquet

        write_atomically(path, to_parquet(scores))
        return
    stream = io.BytesIO()
    held = {one.name: getattr(scores, one.name) for one in fields(Scores)}
    arrays: dict[str, Any] = {name: np.asarray(v) for name, v in held.items() if v is not None}
    np.savez(stream, **arrays)
    write_atomically(path, stream.getvalue())


def read_scores(path: Path) -> Scores:
    """Read scores; of an .npz whose fields are of other widths (float64 scores), too.

    Raises:
        BadInput: it cannot be read, is damaged, or is no such file.
        HostFailure: it is .parquet, and the extra is not there.
    """
    data = read_file(path, "a teacher's scores", MOST_BYTES, next_step=AGAIN)
    try:
        if path.suffix == ".parquet":
            from model_gen.teaching.parquet import from_parquet

            return _made(path, from_parquet(data, path))
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return _made(path, {name: stored[name] for name in stored.files})
    except BadInput:
        raise
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, TypeError) as error:
        raise unreadable(path, f"{type(error).__name__}: {str(error)[:200]}") from error


def _made(path: Path, held: dict[str, Any]) -> Scores:
    needed = {"start_seconds", "scores", "labels"}
    if "path" not in held and "sha256" not in held:
        needed |= {"sha256"}
    if needed - set(held):
        raise unreadable(path, f"no {', '.join(sorted(needed - set(held)))}")
    given, labels = np.asarray(held["scores"]), np.asarray(held["labels"])
    if given.dtype.kind == "c" or labels.dtype.kind == "S":
        raise unreadable(path, f"scores {given.dtype}, labels {labels.dtype}")
    with np.errstate(over="ignore"):  # such a row says nothing
        scores = given.astype(np.float32)
    nothing = np.full(len(scores), "", "<U1")
    embedding = held.get("embedding")
    try:
        return Scores(
            sha256=np.asarray(held.get("sha256", nothing)),
            path=np.asarray(held.get("path", nothing)),
            start_seconds=np.asarray(held["start_seconds"]).astype(np.float64),
            scores=scores,
            labels=tuple(str(label) for label in labels),
            kind=str(held.get("kind", "scores")),
            embedding=None if embedding is None else np.asarray(embedding).astype(np.float32),
            window_seconds=float(held.get("window_seconds", WINDOW_SECONDS)),
            identity=str(held.get("identity", "")),
        )
    except BadInput as error:
        said = f"{path}: {error.evidence.removeprefix('Received: ')}"
        raise BadInput(error.what, evidence=f"Received: {said}", next_step=AGAIN) from error

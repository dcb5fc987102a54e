"""What a teacher says of windows of recordings, as a record: a row a window."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.nearest import did_you_mean

KINDS = ("scores", "logits")
WINDOW_SECONDS = 3.0  # of a file that does not say it: BirdNET's
AGAIN = "make the file again with `nightjar teach`, or as docs/distillation.md says"

Floats = npt.NDArray[np.float32]
Texts = npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Scores:
    """What a teacher says; of n windows, C classes and an embedding of E values.

    Attributes:
        sha256: of the bytes of each window's recording in hex, [n]; "" where it is known by its path.
        path: relative to the data folder, with slashes, [n].
        start_seconds: where a window begins, float64 [n]; negative where zeros come first.
        scores: float32 [n, C]; a row of which any value is not finite says nothing.
        labels: C of them, each once.
        kind: what `scores` are: scores from 0 to 1, or logits.
        embedding: float32 [n, E], or None.
        window_seconds: of every window.
        identity: what decided all of it, "" where nobody says.

    Raises:
        BadInput: the parts do not fit together, or scores are none.
    """

    sha256: Texts
    path: Texts
    start_seconds: npt.NDArray[np.float64]
    scores: Floats
    labels: tuple[str, ...]
    kind: str = "scores"
    embedding: Floats | None = None
    window_seconds: float = WINDOW_SECONDS
    identity: str = ""

    def __post_init__(self) -> None:
        n, wanted = len(self.scores), len(self.labels)
        shapes: dict[str, tuple[Any, tuple[Any, ...], str]] = {
            "sha256": (self.sha256, (n,), "U"),
            "path": (self.path, (n,), "U"),
            "start_seconds": (self.start_seconds, (n,), "float64"),
            "scores": (self.scores, (n, wanted), "float32"),
        }
        if self.embedding is not None:
            size = self.embedding.shape[1] if self.embedding.ndim == 2 else 1
            shapes["embedding"] = (self.embedding, (n, max(size, 1)), "float32")
        for name, (array, shape, kind) in shapes.items():
            right = array.dtype.kind == "U" if kind == "U" else array.dtype == kind
            if array.shape != shape or not right:
                _refuse(
                    f"{name} must be {'text' if kind == 'U' else kind} {list(shape)}",
                    f"{array.dtype} {list(array.shape)}",
                )
        if not self.labels or len(set(self.labels)) != wanted:
            _refuse("labels must be there, each once", ", ".join(self.labels[:20]) or "none")
        if self.kind not in KINDS:
            near = did_you_mean(self.kind, KINDS)
            _refuse(f"kind must be one of {', '.join(KINDS)}", f"{self.kind!r}.{near}")
        if not 0 < self.window_seconds < 1e6:
            _refuse("window_seconds must be above 0 and below 1e6", f"{self.window_seconds}")
        if not np.isfinite(self.start_seconds).all():
            row = int(np.flatnonzero(~np.isfinite(self.start_seconds))[0])
            _refuse("start_seconds must be finite", f"{self.start_seconds[row]} in row {row}")
        if self.kind == "scores":
            finite = self.scores[np.isfinite(self.scores)]
            if finite.size and not 0 <= finite.min() <= finite.max() <= 1:
                _refuse(
                    "scores must be from 0 to 1, or of the kind logits",
                    f"{finite.min():g} to {finite.max():g}",
                )

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def silent(self) -> int:
        """How many windows it says nothing of."""
        return int((~np.isfinite(self.scores).all(axis=1)).sum())


def joined(parts: Sequence[Scores], identity: str) -> Scores:
    """Parts of one teacher as one, in order; at least one."""
    first = parts[0]
    embeddings = [part.embedding for part in parts if part.embedding is not None]
    return Scores(
        sha256=np.concatenate([part.sha256 for part in parts]),
        path=np.concatenate([part.path for part in parts]),
        start_seconds=np.concatenate([part.start_seconds for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        labels=first.labels,
        kind=first.kind,
        embedding=np.concatenate(embeddings) if embeddings else None,
        window_seconds=first.window_seconds,
        identity=identity,
    )


def unreadable(path: Path, why: str) -> BadInput:
    """The error for a file that holds no scores."""
    return BadInput(
        "a teacher's scores must be a whole .npz or .parquet file with sha256 or path, "
        "start_seconds, scores and labels",
        evidence=f"Received: {path}: {why}",
        next_step=AGAIN,
    )


def _refuse(expected: str, received: str) -> None:
    raise BadInput(
        f"in a teacher's scores, {expected}", evidence=f"Received: {received}", next_step=AGAIN
    )

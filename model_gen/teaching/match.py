"""Which row of a teacher's scores is about a student's window: of the same recording, the nearest centre."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.nearest import did_you_mean
from model_gen.data.dataset import Recording
from model_gen.evaluation.pooling import activate
from model_gen.teaching.scores import Scores

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
_SHOWN = 5


def covered(scores_labels: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """Which of a student's classes a teacher knows, by their names.

    Raises:
        BadInput: none of them.
    """
    known = tuple(label for label in labels if label in set(scores_labels))
    if not known:
        near = did_you_mean(labels[0], scores_labels)
        raise BadInput(
            "a teacher must know one of the student's classes, by its name",
            evidence=f"Received: a teacher of {_few(scores_labels)}, "
            f"a student of {_few(labels)}.{near}",
            next_step="name the class folders as the teacher's labels, or take another teacher",
        )
    return known


class Taught:
    """What a teacher says of a student's recordings, in the student's classes and their order."""

    def __init__(
        self,
        scores: Scores,
        labels: Sequence[str],
        activation: str,
        recordings: Iterable[Recording],
    ) -> None:
        """Logits become scores by `activation`, the student's.

        Raises:
            BadInput: as `covered`; or it says nothing of any of the recordings.
        """
        covered(scores.labels, labels)
        said = scores.scores.copy()
        said[~np.isfinite(said).all(axis=1)] = np.nan
        if scores.kind == "logits":
            said = activate(said, activation).astype(np.float32)
        column = {label: i for i, label in enumerate(scores.labels)}
        self._targets: Floats = np.full((len(said) + 1, len(labels)), np.nan, np.float32)
        for i, label in enumerate(labels):
            if label in column:
                self._targets[:-1, i] = said[:, column[label]]
        self._embedding = scores.embedding
        self._within = scores.window_seconds
        centres = scores.start_seconds + scores.window_seconds / 2
        rows = _rows_by_recording(scores)
        self._rows: list[Integers] = []
        for recording in recordings:
            found = rows.get(("sha256", recording.sha256)) or rows.get(("path", recording.relative))
            chosen = np.array(found or (), np.int64)
            self._rows.append(chosen[np.argsort(centres[chosen], kind="stable")])
        self._centres = [centres[chosen] for chosen in self._rows]
        if not self.recordings:
            raise BadInput(
                "a teacher's scores must be of the recordings that train",
                evidence=f"Received: {len(scores)} windows, none of them with finite scores of the "
                f"{len(self._rows)} recordings",
                next_step="run `nightjar teach` on the data folder that is trained on",
            )

    @property
    def recordings(self) -> int:
        """Of how many of the recordings something is said."""
        says = np.asarray(np.isfinite(self._targets).any(axis=1))
        return sum(bool(says[rows].any()) for rows in self._rows)

    @property
    def embedding_size(self) -> int:
        """Values of an embedding; 0 where there is none."""
        return 0 if self._embedding is None else self._embedding.shape[1]

    def rows(self, owners: Integers, centres: npt.NDArray[np.float64]) -> Integers:
        """The row about each window, -1 where there is none: int64 [n].

        It is the one whose centre is nearest, the earlier of two, at most a teacher's window away.

        Args:
            owners: the number of each window's recording, [n].
            centres: of the windows, in seconds, [n].
        """
        out = np.full(len(owners), -1, np.int64)
        for i, (owner, centre) in enumerate(zip(owners, centres, strict=True)):
            known = self._centres[owner]
            if len(known):
                after = min(int(np.searchsorted(known, centre)), len(known) - 1)
                before = max(after - 1, 0)
                best = before if centre - known[before] <= known[after] - centre else after
                if abs(known[best] - centre) <= self._within:
                    out[i] = self._rows[owner][best]
        return out

    def targets(self, rows: Integers) -> Floats:
        """Scores float32 [n, labels]; NaN where nothing is said."""
        found: Floats = self._targets[rows]  # the last one is of nothing
        return found

    def embedding(self, rows: Integers) -> Floats | None:
        """Embeddings float32 [n, E], NaN where nothing is said; None where there are none."""
        if self._embedding is None:
            return None
        found: Floats = self._embedding[rows].copy()
        found[rows < 0] = np.nan
        return found


def _rows_by_recording(scores: Scores) -> dict[tuple[str, str], list[int]]:
    """("sha256", digest), or ("path", path) where no digest is told, -> rows."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, (digest, path) in enumerate(zip(scores.sha256, scores.path, strict=True)):
        found[("sha256", str(digest)) if digest else ("path", str(path))].append(row)
    return found


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")

"""What a run needs to go on where it stopped, as one file."""

import csv
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from host.errors import BadInput
from host.files import write_atomically


@dataclass(frozen=True)
class EpochResult:
    """One row of the history."""

    epoch: int  # from 1
    learning_rate: float  # of the epoch's last step
    loss: float
    val_loss: float
    val_roc_auc: float  # macro, over chunks; NaN where no class has both kinds


@dataclass(frozen=True)
class Progress:
    """How far a run has come."""

    fingerprint: str  # of recipe and data
    history: tuple[EpochResult, ...] = ()
    best_epoch: int = 0
    finished: bool = False

    @property
    def best_val_loss(self) -> float:
        return self.history[self.best_epoch - 1].val_loss if self.best_epoch else float("inf")


def history_csv(history: tuple[EpochResult, ...]) -> str:
    """The text of the history file."""
    stream = io.StringIO()
    fields = list(EpochResult.__dataclass_fields__)
    writer = csv.DictWriter(stream, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in history)
    return stream.getvalue()


def save_state(path: Path, variables: list[Any], progress: Progress) -> None:
    """Write variables (model, optimizer, dropout generators) and progress into one file, whole or not at all."""
    stream = io.BytesIO()
    arrays = {f"v{i}": np.asarray(v) for i, v in enumerate(variables)}
    np.savez(stream, progress=np.array(json.dumps(asdict(progress))), **arrays)  # type: ignore[arg-type]
    write_atomically(path, stream.getvalue())


def load_state(path: Path, variables: list[Any], fingerprint: str) -> Progress:
    """Restore `variables` in place and return the progress.

    Raises:
        BadInput: there is no such file, or it belongs to other options, data or another architecture.
    """
    if not path.is_file():
        raise BadInput(
            "--resume needs the train state beside the checkpoint",
            evidence=f"Received: {path}, which does not exist",
            next_step="leave --resume out to start anew",
        )
    try:
        with np.load(path, allow_pickle=False) as stored:
            raw = json.loads(str(stored["progress"]))
            arrays = [stored[f"v{i}"] for i in range(len(stored.files) - 1)]
    except (ValueError, OSError, KeyError, EOFError) as error:
        raise BadInput(
            "the train state cannot be read",
            evidence=f"Received: {path}: {error}",
            next_step="leave --resume out to start anew",
        ) from error
    raw["history"] = tuple(EpochResult(**row) for row in raw["history"])
    progress = Progress(**raw)
    same = [a.shape for a in arrays] == [tuple(v.shape) for v in variables]
    if progress.fingerprint != fingerprint or not same:
        raise BadInput(
            "--resume needs the options and recordings that the run began with",
            evidence=f"Received: {path}, which belongs to another run",
            next_step="give the same options, or leave --resume out to start anew",
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return progress

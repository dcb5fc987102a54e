"""What a run needs to go on where it stopped, as one file."""

import csv
import hashlib
import io
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.files import write_atomically
from host.reading import read_file
from host.typed import typed

SCHEMA = "nightjar/train-state/4"
MOST_BYTES = 16 << 30  # of a state
ANEW = "give --overwrite, without --resume, to train anew"  # the end of many next steps
# The comment of the archive, at the end of the file: the version, and what is before it in hex.
_COMMENT = len(SCHEMA) + 1 + 64


@dataclass(frozen=True)
class EpochResult:
    """One row of the history. Scores are over validation recordings; NaN where no class has one,
    and, with the validation loss, where the epoch was not judged."""

    epoch: int  # from 1
    learning_rate: float  # of the epoch's last step
    loss: float
    val_loss: float  # the mean over chunks
    val_ap: float  # average precision, macro
    val_roc_auc: float  # macro
    val_top1: float

    @property
    def judged(self) -> bool:
        """Whether it was validated."""
        return not math.isnan(self.val_loss)


@dataclass(frozen=True)
class Progress:
    """How far a run has come."""

    history: tuple[EpochResult, ...] = ()
    best_epoch: int = 0
    finished: bool = False
    before: EpochResult | None = None  # of a model that was trained already: what it is at epoch 0

    @property
    def best(self) -> EpochResult | None:
        """The epoch that the checkpoint is of."""
        return self.history[self.best_epoch - 1] if self.best_epoch else self.before

    @property
    def rows(self) -> tuple[EpochResult, ...]:
        """The history, with epoch 0 where there is one."""
        return self.history if self.before is None else (self.before, *self.history)


@dataclass(frozen=True)
class Head:
    """What a state says besides its arrays."""

    recipe: dict[str, Any]  # the options that decide the weights
    data: str  # SHA-256 over the recordings and what is known of them
    progress: Progress
    weights: str = ""  # SHA-256 of those of the best epoch, which the checkpoint holds
    replaces: str = (
        ""  # SHA-256 of the weights of the checkpoint that this one takes the place of; "": none
    )


@dataclass(frozen=True)
class State:
    """A state as it was read; `arrays` are the variables of model and optimizer, in order."""

    path: Path
    head: Head
    arrays: tuple[npt.NDArray[Any], ...]

    def restore(self, variables: list[Any]) -> None:
        """Give the variables their values.

        Raises:
            BadInput: they are of other shapes.
        """
        found, wanted = (
            [(str(a.dtype), tuple(a.shape)) for a in self.arrays],
            [(v.dtype, tuple(v.shape)) for v in variables],
        )
        if found != wanted:
            raise BadInput(
                "a train state must hold the variables of its model and optimizer",
                evidence=f"Received: {self.path} with {len(found)} variables, of which "
                f"{len(wanted)} are expected, or with others",
                next_step=ANEW,
            )
        for variable, array in zip(variables, self.arrays, strict=True):
            variable.assign(array)


def history_csv(history: tuple[EpochResult, ...]) -> str:
    """The text of the history file."""
    stream = io.StringIO()
    fields = list(EpochResult.__dataclass_fields__)
    writer = csv.DictWriter(stream, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in history)
    return stream.getvalue()


def save_state(path: Path, head: Head, variables: list[Any]) -> None:
    """Write head and variables (model, optimizer, loss scale, dropout's generators) into one file.

    It is an .npz, whole or not at all, whose comment has the version and the digest of the rest.
    """
    stream = io.BytesIO()
    arrays = {f"v{i}": np.asarray(v) for i, v in enumerate(variables)}
    np.savez(stream, head=np.array(json.dumps(asdict(head))), **arrays)  # type: ignore[arg-type]
    body = stream.getvalue()[:-2] + _COMMENT.to_bytes(2, "little")
    comment = f"{SCHEMA} {hashlib.sha256(body).hexdigest()}"
    write_atomically(path, body + comment.encode())


def read_state(path: Path) -> State:
    """Read a state.

    Raises:
        BadInput: there is none, it is of another version, or any byte is not as it was written.
    """
    if not path.is_file():
        raise BadInput(
            "--resume needs the train state beside the checkpoint",
            evidence=f"Received: {path}, which does not exist",
            next_step=ANEW,
        )
    data = read_file(path, "a train state", MOST_BYTES, next_step=ANEW)
    body, comment = data[:-_COMMENT], data[-_COMMENT:].decode("latin-1")
    schema, _, digest = comment.partition(" ")
    if schema != SCHEMA:
        raise BadInput(
            f"a train state must be whole, and of the version {SCHEMA}",
            evidence=f"Received: {path}, which does not end as one of this version does",
            next_step=f"resume with the version of Nightjar that wrote it, or {ANEW}",
        )
    if hashlib.sha256(body).hexdigest() != digest:
        raise BadInput(
            "a train state must be as it was written",
            evidence=f"Received: {path}, whose digest differs: it is damaged",
            next_step=f"restore the file, or {ANEW}",
        )
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        head = typed(Head, json.loads(str(stored["head"])))
        arrays = tuple(stored[f"v{i}"] for i in range(len(stored.files) - 1))
    return State(path, head, arrays)

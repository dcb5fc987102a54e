"""What one training step is given, as a record, and where a run's batches come from."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """The data of one step; B rows, of which none need be left for the last batch of an epoch.

    Targets are as the recordings are labelled, mixed where inputs are: smoothing is the loss's.
    """

    inputs: Floats  # [B, bins, frames, 1]
    targets: Floats  # [B, labels], 0 to 1
    weights: Floats | None = None  # [B], how much a row counts; None: all the same
    rows: npt.NDArray[np.int64] | None = None  # [B], which window of the training set each is
    teacher: Floats | None = None  # [B, labels], what a teacher says of each; NaN where nothing
    embedding: Floats | None = None  # [B, E], a teacher's; NaN where there is none

    def for_keras(self) -> tuple[Any, ...]:
        """As `keras.Model.fit` takes it: inputs, what they are judged by, weights where given."""
        judged = {
            "targets": self.targets,
            "rows": self.rows,
            "teacher": self.teacher,
            "embedding": self.embedding,
        }
        given = {name: value for name, value in judged.items() if value is not None}
        rest = () if self.weights is None else (self.weights,)
        return (self.inputs, given, *rest)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of an epoch, by their index. The engine says which epoch it is.

    A subclass gives `batch`, and `__len__`, which is the same in every epoch. What it raises
    reaches the engine as it was; `tf.data` would keep its text alone.
    """

    epoch = 1
    embedding_size = 0  # values of a teacher's embedding; 0 where batches have none
    _failure: Exception | None = None

    def begin(self, epoch: int) -> None:
        """Batches are of this epoch from now on; it counts from 1."""
        self.epoch = epoch

    def batch(self, index: int) -> Batch:
        """One batch of the present epoch."""
        raise NotImplementedError

    def positives(self) -> npt.NDArray[np.float64]:
        """How many rows of an epoch belong to each class: [labels]."""
        raise NotImplementedError

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        try:
            return self.batch(index).for_keras()
        except Exception as error:
            self._failure = error
            raise

    def raise_failure(self, seen: Exception) -> None:
        """Raise what a batch raised, if one did; `seen` is what became of it.

        If it happened in another process, the batch is asked for again in this one.
        """
        if self.use_multiprocessing:
            for index in range(len(self)):
                self.batch(index)
        if self._failure is not None:
            raise self._failure from seen

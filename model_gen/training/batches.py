"""The order of chunks in an epoch, and augmented batches."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from model_gen.data.dataset import targets
from model_gen.data.features import Chunks
from model_gen.training.augment import mixup, spec_augment
from model_gen.training.batch import Batch, Batches
from model_gen.training.options import TrainOptions


class TrainBatches(Batches):
    """Batches of the training chunks: each epoch depends on the seed and its number only, so that a run can resume.

    The batches of an epoch are asked for in order: one stream of random numbers goes through them.
    """

    def __init__(self, chunks: Chunks, labels: tuple[str, ...], options: TrainOptions) -> None:
        super().__init__()
        self._chunks = chunks
        self._options = options
        self._targets = targets(chunks.recordings, labels)[chunks.owner]
        self._indices = upsample(
            [chunks.folder(i) for i in range(len(chunks))], options.upsample_ratio
        )
        self._stream: Iterator[Batch] = iter(())

    def __len__(self) -> int:
        """Batches an epoch; the last one may be smaller."""
        return -(-len(self._indices) // self._options.batch_size)

    def positives(self) -> npt.NDArray[np.float64]:
        return np.asarray(self._targets[self._indices].sum(axis=0, dtype=np.float64))

    def batch(self, index: int) -> Batch:
        if index == 0:
            self._stream = self._epoch(self.epoch)
        return next(self._stream)

    def _epoch(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch, shuffled and augmented."""
        options = self._options
        rng = np.random.default_rng([options.seed, number])
        order = rng.permutation(self._indices)
        for start in range(0, len(order), options.batch_size):
            rows = order[start : start + options.batch_size]
            x, y = self._chunks.features(rows), self._targets[rows]
            x, y = mixup(
                x, y, rng, alpha=options.mixup_alpha, probability=options.mixup_probability
            )
            if options.spec_augment:
                x = spec_augment(
                    x,
                    rng,
                    freq_mask_max=options.freq_mask_max,
                    time_mask_max=options.time_mask_max,
                )
            yield Batch(x[..., None], y, rows=rows)


def upsample(folders: list[str], ratio: float) -> npt.NDArray[np.int64]:
    """Indices with those of minority classes repeated in order, up to `ratio` times the size of the largest class."""
    names = np.array(folders)
    groups = [np.flatnonzero(names == name) for name in sorted(set(folders))]
    least = int(ratio * max(len(group) for group in groups))
    return np.concatenate([np.resize(group, max(len(group), least)) for group in groups])

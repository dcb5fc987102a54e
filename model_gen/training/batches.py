"""The order of chunks in an epoch, and augmented batches."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from model_gen.data.dataset import targets
from model_gen.data.features import Chunks
from model_gen.training.augment import mixup, spec_augment
from model_gen.training.options import TrainOptions


class TrainBatches:
    """Batches of the training chunks: each epoch depends on the seed and its number only, so that a run can resume."""

    def __init__(self, chunks: Chunks, labels: tuple[str, ...], options: TrainOptions) -> None:
        self._chunks = chunks
        self._options = options
        self._targets = targets(chunks.recordings, labels)[chunks.owner]
        self._indices = upsample(
            [chunks.folder(i) for i in range(len(chunks))], options.upsample_ratio
        )

    @property
    def steps(self) -> int:
        """Batches an epoch; the last one may be smaller."""
        return -(-len(self._indices) // self._options.batch_size)

    def epoch(
        self, number: int
    ) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
        """Yield (features [B, bins, frames, 1], targets [B, labels]), shuffled and augmented."""
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
            e = options.label_smoothing
            yield x[..., None], (y * (1 - e) + e / 2).astype(np.float32)


def upsample(folders: list[str], ratio: float) -> npt.NDArray[np.int64]:
    """Indices with those of minority classes repeated in order, up to `ratio` times the size of the largest class."""
    names = np.array(folders)
    groups = [np.flatnonzero(names == name) for name in sorted(set(folders))]
    least = int(ratio * max(len(group) for group in groups))
    return np.concatenate([np.resize(group, max(len(group), least)) for group in groups])

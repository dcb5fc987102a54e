"""The order of windows in an epoch, and augmented batches, each by its number.

An epoch is a permutation of all windows, by seed and epoch; places and masks depend on seed, epoch,
recording and window, mixtures on seed, epoch and batch. So a batch is the same bytes whoever asks for it,
whenever, in whichever thread or process.
"""

import numpy as np
import numpy.typing as npt

from model_gen.data.dataset import targets
from model_gen.data.features import Chunks
from model_gen.training.augment import mixup, spec_augment
from model_gen.training.batch import Batch, Batches
from model_gen.training.options import TrainOptions
from model_gen.training.placement import Placement
from model_gen.training.randomness import keyed

Integers = npt.NDArray[np.int64]


class TrainBatches(Batches):
    """Batches of the training windows, made ahead of their use by `options.num_workers` threads."""

    def __init__(self, chunks: Chunks, labels: tuple[str, ...], options: TrainOptions) -> None:
        super().__init__(workers=options.num_workers)
        self._chunks = chunks
        self._options = options
        self._placement = Placement(chunks, options)
        self._targets = targets(chunks.recordings, labels)[chunks.owner]
        folders = [chunks.kind(i) for i in range(len(chunks))]
        self._windows, self._turns = upsample(folders, options.upsample_ratio)
        self._shuffled = (0, np.arange(0))  # of which epoch, and its order

    def __len__(self) -> int:
        """Batches an epoch; the last one may be smaller."""
        return -(-len(self._windows) // self._options.batch_size)

    def positives(self) -> npt.NDArray[np.float64]:
        return np.asarray(self._targets[self._windows].sum(axis=0, dtype=np.float64))

    def batch(self, index: int) -> Batch:
        options = self._options
        places = self._places(index)
        rows = self._windows[places]
        threads = 1 if self.workers > 1 else None  # beside other workers, one is enough
        pcm = self._placement.pcm(rows, self._generators("place", places))
        x, y = self._chunks.features_of(pcm, threads=threads), self._targets[rows]
        rng = keyed("mixup", options.seed, self.epoch, index)
        x, y = mixup(x, y, rng, alpha=options.mixup_alpha, probability=options.mixup_probability)
        if options.spec_augment:
            x = spec_augment(
                x,
                self._generators("mask", places),
                freq_mask_max=options.freq_mask_max,
                time_mask_max=options.time_mask_max,
            )
        return Batch(x[..., None], y, rows=rows)

    def _places(self, index: int) -> Integers:
        """Which of the windows and their repetitions are in a batch of the present epoch."""
        epoch, order = self._shuffled
        if epoch != self.epoch:
            epoch = self.epoch
            order = keyed("order", self._options.seed, epoch).permutation(len(self._windows))
            self._shuffled = (epoch, order)
        size = self._options.batch_size
        return order[index * size : (index + 1) * size]

    def _generators(self, purpose: str, places: Integers) -> list[np.random.Generator]:
        """One for each window, of the present epoch, whichever batch it is in."""
        recording, rows = self._chunks.recording, self._chunks.rows
        return [
            keyed(
                purpose,
                self._options.seed,
                self.epoch,
                recording(window).relative,
                int(rows[window]),
                int(turn),
            )
            for window, turn in zip(self._windows[places], self._turns[places], strict=True)
        ]


def upsample(folders: list[str], ratio: float) -> tuple[Integers, Integers]:
    """Indices with those of minority classes repeated in order, and which repetition each is, from 0.

    A class is repeated up to `ratio` times the size of the largest one.
    """
    names = np.array(folders)
    groups = [np.flatnonzero(names == name) for name in sorted(set(folders))]
    least = int(ratio * max(len(group) for group in groups))
    sizes = [max(len(group), least) for group in groups]
    repeated = [np.resize(group, size) for group, size in zip(groups, sizes, strict=True)]
    turns = [np.arange(size) // len(group) for group, size in zip(groups, sizes, strict=True)]
    return np.concatenate(repeated), np.concatenate(turns)

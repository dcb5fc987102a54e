"""The order of windows in an epoch, and augmented batches, each by its number.

An epoch is a permutation of all windows, by seed and epoch; places, disturbances and masks depend
on seed, epoch, recording and window, mixtures on seed, epoch and batch. So a batch is the same
bytes whoever asks for it, whenever, in whichever thread or process.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from host.reference.frontend_mel import band_edges
from model_gen.audio.decode import to_int16
from model_gen.data.dataset import targets
from model_gen.data.features import Chunks
from model_gen.runtime import replicas
from model_gen.teaching.match import Taught
from model_gen.training.augment import (
    Mixture,
    mask_limits,
    mix,
    mixtures,
    spec_augment,
    unite,
    warp,
)
from model_gen.training.batch import Batch, Batches
from model_gen.training.disturb import Disturber
from model_gen.training.noise_bank import NoiseBank, bank_for, takes_noise
from model_gen.training.options import TrainOptions
from model_gen.training.placement import Placement
from model_gen.training.randomness import factor, keyed

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Samples = npt.NDArray[np.int16]
Key = tuple[int | str, ...]


class TrainBatches(Batches):
    """Batches of the training windows, made ahead of their use by `options.num_workers` threads."""

    def __init__(
        self,
        chunks: Chunks,
        labels: tuple[str, ...],
        options: TrainOptions,
        named: NoiseBank | None = None,
        taught: Taught | None = None,
    ) -> None:
        """`named` is the bank of --noise-bank, where that was made already; `taught` what a teacher
        says of the recordings of `chunks`."""
        super().__init__(workers=options.num_workers)
        bank = (named or bank_for(options, chunks)) if takes_noise(options) else None
        self._disturb = Disturber(options, bank)
        self._placement = Placement(chunks, options, bank)
        self._masks = mask_limits(
            chunks.contract,
            options.freq_mask_max,
            options.time_mask_max,
            scaled=options.mask_scaling == "relative",
        )
        bands = chunks.contract.mel_bands
        self._hz = np.array(band_edges(chunks.contract)[1:-1]) if bands else None
        self._chunks = chunks
        self._options = options
        self._taught = taught
        if taught is not None and options.embedding_weight:
            self.embedding_size = taught.embedding_size
        self._targets = targets(chunks.recordings, labels)[chunks.owner]
        folders = [chunks.kind(i) for i in range(len(chunks))]
        self._windows, self._turns = upsample(folders, options.upsample_ratio)
        # Several devices get the same number of rows of each batch, or means over them were wrong.
        self._count = len(self._windows) // replicas() * replicas()
        self._shuffled = (0, np.arange(0))  # of which epoch, and its order

    def __len__(self) -> int:
        """Batches an epoch; the last one may be smaller."""
        return -(-self._count // self._options.batch_size)

    def positives(self) -> npt.NDArray[np.float64]:
        return np.asarray(self._targets[self._windows].sum(axis=0, dtype=np.float64))

    def batch(self, index: int) -> Batch:
        options = self._options
        places = self._places(index)
        rows = self._windows[places]
        threads = 1 if self.workers > 1 else None  # beside other workers, one is enough
        drawn = mixtures(
            len(rows),
            keyed("mixup", options.seed, self.epoch, index),
            alpha=options.mixup_alpha,
            probability=options.mixup_probability,
        )
        of_sound = options.mixup_domain == "audio"
        keys = [self._key(int(place)) for place in places]
        most = options.speed_max
        speeds = [factor(most, "speed", *key) for key in keys] if most else None
        pcm = self._placement.pcm(rows, [keyed("place", *key) for key in keys], speeds)
        self._disturb_all(pcm, drawn if of_sound else {}, keys)
        x, y = self._chunks.features_of(pcm, threads=threads), self._targets[rows]
        unite(y, drawn)
        if not of_sound:
            mix(x, drawn)
        if options.warp_max:
            warp(x, [factor(options.warp_max, "warp", *key) for key in keys], self._hz)
        if options.spec_augment:
            spec_augment(
                x,
                [keyed("mask", *key) for key in keys],
                freq_mask_max=self._masks.rows,
                time_mask_max=self._masks.frames,
                to_mean=bool(self._chunks.contract.mfcc),
            )
        taught = self._taught_of(rows, keys, speeds, drawn)
        return Batch(x[..., None], y, rows=rows, **taught)

    def _taught_of(
        self,
        rows: Integers,
        keys: Sequence[Key],
        speeds: Sequence[float] | None,
        drawn: Mapping[int, Mixture],
    ) -> dict[str, Floats]:
        """What a teacher says of windows; of a mixture the largest of its sources' scores, where all
        have them, and no embedding."""
        if self._taught is None:
            return {}
        centres = self._placement.centres(rows, [keyed("place", *key) for key in keys], speeds)
        found = self._taught.rows(self._chunks.owner[rows], centres)
        said = self._taught.targets(found)
        unite(said, drawn)
        if not self.embedding_size:
            return {"teacher": said}
        embedding = self._taught.embedding(found)
        assert embedding is not None
        embedding[list(drawn)] = np.nan
        return {"teacher": said, "embedding": embedding}

    def _disturb_all(self, pcm: Samples, drawn: Mapping[int, Mixture], keys: Sequence[Key]) -> None:
        """Mix and disturb windows [B, chunk_samples] in place, rounded and saturated once."""
        if not (drawn or self._disturb.acts):
            return
        mixed = {row: mixture.of(pcm) for row, mixture in drawn.items()}
        for row, key in enumerate(keys):
            x = mixed[row] if row in mixed else pcm[row].astype(np.float32)
            x *= np.float32(1 / 32768)
            pcm[row] = to_int16(self._disturb(x, *key))

    def _places(self, index: int) -> Integers:
        """Which of the windows and their repetitions are in a batch of the present epoch."""
        epoch, order = self._shuffled
        if epoch != self.epoch:
            epoch = self.epoch
            order = keyed("order", self._options.seed, epoch).permutation(len(self._windows))
            order = order[: self._count]
            self._shuffled = (epoch, order)
        size = self._options.batch_size
        return order[index * size : (index + 1) * size]

    def _key(self, place: int) -> Key:
        """What is drawn for a window or a repetition of it depends on this."""
        window = int(self._windows[place])
        recording = self._chunks.recording(window).relative
        number = int(self._chunks.rows[window])
        return (self._options.seed, self.epoch, recording, number, int(self._turns[place]))


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

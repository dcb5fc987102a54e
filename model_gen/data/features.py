"""Chunks of recordings and their spectrograms, computed once by the C code that boards run and kept on disk."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from model_gen.data.cache import FeatureCache, Skipped, feature_cache
from model_gen.data.dataset import Recording
from model_gen.data.entry import Entry
from model_gen.data.selection import Selection

IN_MEMORY_BYTES = 1 << 30  # up to here all features are held in memory, else read for each batch


@dataclass(frozen=True)
class Chunks:
    """Chunks of `recordings`: row i is chunk `rows[i]` of recording `owner[i]` and starts at sample `starts[i]`."""

    recordings: tuple[Recording, ...]
    skipped: tuple[Skipped, ...]
    owner: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    entries: tuple[Entry, ...]  # of each recording
    cache: FeatureCache
    _loaded: list[npt.NDArray[np.float32]] = field(default_factory=list, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.owner)

    def features(self, indices: Iterable[int]) -> npt.NDArray[np.float32]:
        """Spectrograms float32 [n, rows, frames] of the chunks at `indices`.

        Raises:
            BadInput: one was damaged on disk, and its recording has changed.
        """
        chosen = np.asarray(list(indices), np.int64)
        contract = self.cache.contract
        if 4 * len(self) * contract.rows * contract.frames <= IN_MEMORY_BYTES:
            if not self._loaded:
                self._loaded.append(self._read(np.arange(len(self))))
            return np.asarray(self._loaded[0][chosen])
        return self._read(chosen)

    def _read(self, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        contract = self.cache.contract
        out = np.empty((len(chosen), contract.rows, contract.frames), np.float32)
        last = -1
        for k, i in enumerate(chosen):
            if (
                last != self.owner[i]
            ):  # each file is opened once where its chunks follow one another
                last = int(self.owner[i])
                block = self._block(last, "features")
            out[k] = block[self.rows[i]]
        self.cache.warn()
        return out

    def _block(self, owner: int, name: str) -> npt.NDArray[Any]:
        return self.cache.block(self.recordings[owner], self.entries[owner], name)

    def samples(self, index: int) -> npt.NDArray[np.int16]:
        """PCM int16 [chunk_samples] of one chunk."""
        found = np.array(self._block(int(self.owner[index]), "chunks")[self.rows[index]])
        self.cache.warn()
        return found

    def recording(self, index: int) -> Recording:
        """The recording that one chunk is from."""
        found: Recording = self.recordings[int(self.owner[index])]
        return found

    def folder(self, index: int) -> str:
        """Class folder of one chunk."""
        return self.recording(index).folder


def extract(
    recordings: Sequence[Recording],
    contract: FrontendContract,
    selection: Selection,
    *,
    cache_dir: Path | None = None,
    num_workers: int = 0,
    on_skip: Callable[[Skipped], None] = lambda skipped: None,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Chunks:
    """Chunks and features of `recordings`, from the cache where the same bytes were seen before.

    `cache_dir` is a folder of one's own, which grows without a bound; None is the cache `features`
    of `nightjar cache`. A recording that cannot be decoded is reported through `on_skip` and left
    out. `num_workers` threads work at a time, none beside the caller's for 0; the result does not
    depend on it.

    Raises:
        BadInput: no recording could be decoded.
    """
    cache = feature_cache(contract, selection, cache_dir)
    results: list[Entry | Skipped] = []
    with ThreadPoolExecutor(max(1, num_workers)) as pool:
        for result in pool.map(cache.entry, recordings):
            results.append(result)
            on_progress(len(results))
    cache.warn()
    kept: list[Recording] = []
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    for recording, result in zip(recordings, results, strict=True):
        if isinstance(result, Skipped):
            skipped.append(result)
            on_skip(result)
        else:
            kept.append(recording)
            entries.append(result)
    if not kept:
        raise BadInput(
            "expected recordings that can be decoded",
            evidence=f"Received: {len(recordings)}, none of them readable; first: "
            f"{skipped[0].path if skipped else 'there is none'}",
            next_step="check the files with a player, or convert them to WAV or FLAC",
        )
    counts = [len(entry.starts) for entry in entries]
    return Chunks(
        recordings=tuple(kept),
        skipped=tuple(skipped),
        owner=np.repeat(np.arange(len(kept)), counts),
        rows=np.concatenate([np.arange(n) for n in counts]),
        starts=np.concatenate([np.array(entry.starts, np.int64) for entry in entries]),
        entries=tuple(entries),
        cache=cache,
    )

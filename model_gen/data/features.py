"""Chunks of recordings, and their spectrograms by the C code that boards run, computed when asked for."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.errors import BadInput, HostFailure
from host.frontend_contract import FrontendContract
from host.reference.frontend import features
from model_gen.data.cache import Skipped, WindowCache, window_cache
from model_gen.data.dataset import Recording
from model_gen.data.entry import Entry
from model_gen.data.selection import Selection


@dataclass(frozen=True)
class Chunks:
    """Chunks of `recordings`: row i is chunk `rows[i]` of recording `owner[i]` and starts at sample `starts[i]`.

    A start is negative where zeros come first.
    """

    recordings: tuple[Recording, ...]
    skipped: tuple[Skipped, ...]
    owner: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    entries: tuple[Entry, ...]  # of each recording
    names: tuple[str, ...]  # of the entries in the cache
    contract: FrontendContract
    cache: WindowCache

    def __len__(self) -> int:
        return len(self.owner)

    def pcm(self, indices: Iterable[int]) -> npt.NDArray[np.int16]:
        """PCM int16 [n, chunk_samples] of the chunks at `indices`.

        Raises:
            BadInput: one is not kept, and its recording is not what it was.
        """
        chosen = np.asarray(list(indices), np.int64)
        return self.pcm_at(self.owner[chosen], self.starts[chosen])

    def pcm_at(
        self,
        owners: npt.NDArray[np.int64],
        starts: npt.NDArray[np.int64],
        samples: int | None = None,
    ) -> npt.NDArray[np.int16]:
        """PCM int16 [n, samples] of recordings `owners` from samples `starts` on, both [n].

        Each has `samples`, a chunk's for None. A start may be of any sign: outside the recording
        are zeros.

        Raises:
            BadInput: as `pcm`.
            ValueError: a recording has samples there that are not kept.
        """
        out = np.empty((len(owners), samples or self.contract.chunk_samples), np.int16)
        for owner in np.unique(owners):  # each recording is opened once
            places = np.flatnonzero(owners == owner)
            out[places] = self.cache.windows(
                self.recordings[owner],
                self.names[owner],
                self.entries[owner],
                starts[places].tolist(),
                samples,
            )
        self.cache.warn()
        return out

    def features(
        self, indices: Iterable[int], *, threads: int | None = None
    ) -> npt.NDArray[np.float32]:
        """Spectrograms of the chunks at `indices`, as `features_of` gives them.

        Raises:
            BadInput: as `pcm`.
            HostFailure: as `features_of`.
        """
        return self.features_of(self.pcm(indices), threads=threads)

    def features_of(
        self, pcm: npt.NDArray[np.int16], *, threads: int | None = None
    ) -> npt.NDArray[np.float32]:
        """Spectrograms float32 [n, rows, frames] of int16 [n, chunk_samples], all finite.

        `threads` compute; None is as many as there are cores. The result does not depend on it.

        Raises:
            HostFailure: the frontend gave numbers that are not finite.
        """
        found = features(pcm, self.contract, threads=threads)
        if not np.isfinite(found.sum()):
            raise HostFailure(
                "the frontend gave features that are not finite",
                evidence=f"{np.count_nonzero(~np.isfinite(found))} of {found.size} values",
                next_step="run `nightjar frontend check`; this is a defect of the host or of its memory",
            )
        return found

    def samples(self, index: int) -> npt.NDArray[np.int16]:
        """PCM int16 [chunk_samples] of one chunk."""
        found: npt.NDArray[np.int16] = self.pcm([index])[0]
        return found

    def is_short(self, index: int) -> bool:
        """Whether the recording that one chunk is from is shorter than a chunk."""
        return self.entries[int(self.owner[index])].samples < self.contract.chunk_samples

    def take(self, indices: Iterable[int]) -> "Chunks":
        """The chunks at `indices`, in that order."""
        chosen = np.asarray(list(indices), np.int64)
        return replace(
            self, owner=self.owner[chosen], rows=self.rows[chosen], starts=self.starts[chosen]
        )

    def recording(self, index: int) -> Recording:
        """The recording that one chunk is from."""
        found: Recording = self.recordings[int(self.owner[index])]
        return found

    def kind(self, index: int) -> str:
        """What one chunk is of: the labels of its recording as one text, or its negative folder."""
        return self.recording(index).kind

    @property
    def unheard_share(self) -> float:
        """Which share of the recordings' time is in no chunk, 0 to 1."""
        unheard = sum(entry.unheard(self.contract.chunk_samples) for entry in self.entries)
        return unheard / sum(entry.whole for entry in self.entries)

    @property
    def summary(self) -> str:
        """For people: how much is heard, and how much never is."""
        hours = sum(entry.whole for entry in self.entries) / self.contract.sample_rate / 3600
        share = self.unheard_share
        return f"{len(self)} windows of {hours:.2f} h, of which {share:.1%} is never heard"


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
    """Hear `recordings` once: which chunks they have, and their samples into the cache.

    What is in the cache is not decoded again, so that a pass that was cut off goes on where it was.
    `cache_dir` is a folder of one's own, which grows without a bound; None is the cache `windows`
    of `nightjar cache`, which may be smaller than the data. A recording that cannot be decoded is
    reported through `on_skip` and left out. `num_workers` threads work at a time, none beside the
    caller's for 0; the result does not depend on it.

    Raises:
        BadInput: no recording could be decoded.
    """
    cache = window_cache(contract.sample_rate, contract.chunk_samples, selection, cache_dir)
    results: list[tuple[str, Entry] | Skipped] = []
    with ThreadPoolExecutor(max(1, num_workers)) as pool:
        for result in pool.map(cache.entry, recordings):
            results.append(result)
            on_progress(len(results))
    cache.warn()
    kept: list[Recording] = []
    found: list[tuple[str, Entry]] = []
    skipped: list[Skipped] = []
    for recording, result in zip(recordings, results, strict=True):
        if isinstance(result, Skipped):
            skipped.append(result)
            on_skip(result)
        else:
            kept.append(recording)
            found.append(result)
    if not kept:
        raise BadInput(
            "expected recordings that can be decoded",
            evidence=f"Received: {len(recordings)}, none of them readable; first: "
            f"{f'{skipped[0].path}: {skipped[0].reason}' if skipped else 'there is none'}",
            next_step="check the files with a player, or convert them to WAV or FLAC",
        )
    entries = [entry for _, entry in found]
    counts = [len(entry.starts) for entry in entries]
    return Chunks(
        recordings=tuple(kept),
        skipped=tuple(skipped),
        owner=np.repeat(np.arange(len(kept)), counts),
        rows=np.concatenate([np.arange(n) for n in counts]),
        starts=np.concatenate([np.array(entry.starts, np.int64) for entry in entries]),
        entries=tuple(entries),
        names=tuple(name for name, _ in found),
        contract=contract,
        cache=cache,
    )

"""Chunks of recordings and their spectrograms, computed once by the C code that boards run and kept on disk."""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

import host
from host.cache import FEATURES
from host.contract import FrontendContract
from host.errors import BadInput
from host.files import sha256_file, write_atomically
from model_gen.audio.chunks import chunk_starts, cut, salient_starts
from model_gen.audio.decode import QUALITY, decode
from model_gen.data.dataset import Recording

IN_MEMORY_BYTES = 1 << 30  # up to here all features are held in memory, else read for each batch


@dataclass(frozen=True)
class Selection:
    """Which chunks of a recording are used: up to `salient` loud ones, or all with `overlap` when that is 0."""

    max_duration: float = 60.0  # seconds read of one recording
    salient: int = 0
    overlap: float = 0.0

    def starts(self, recording: npt.NDArray[np.int16], chunk: int) -> list[int]:
        """Starts of the chosen chunks, in samples."""
        if self.salient:
            return salient_starts(recording, chunk)[: self.salient]
        return chunk_starts(len(recording), chunk, self.overlap)


@dataclass(frozen=True)
class Skipped:
    """A recording that could not be used, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Chunks:
    """Chunks of `recordings`: row i is chunk `rows[i]` of recording `owner[i]` and starts at sample `starts[i]`."""

    recordings: tuple[Recording, ...]
    skipped: tuple[Skipped, ...]
    owner: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    entries: tuple[Path, ...]  # cache entry of each recording, without its suffix
    contract: FrontendContract
    _loaded: list[npt.NDArray[np.float32]] = field(default_factory=list, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.owner)

    def features(self, indices: Iterable[int]) -> npt.NDArray[np.float32]:
        """Spectrograms float32 [n, bins, frames] of the chunks at `indices`."""
        chosen = np.asarray(list(indices), np.int64)
        shape = (self.contract.bins, self.contract.frames)
        if len(self) * shape[0] * shape[1] * 4 <= IN_MEMORY_BYTES:
            if not self._loaded:
                self._loaded.append(self._read(np.arange(len(self))))
            return np.asarray(self._loaded[0][chosen])
        return self._read(chosen)

    def _read(self, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        out = np.empty((len(chosen), self.contract.bins, self.contract.frames), np.float32)
        for k, i in enumerate(chosen):
            entry = self.entries[self.owner[i]].with_suffix(".npy")
            out[k] = np.load(entry, mmap_mode="r")[self.rows[i]]
        return out

    def samples(self, index: int) -> npt.NDArray[np.int16]:
        """PCM int16 [chunk_samples] of one chunk."""
        with np.load(self.entries[self.owner[index]].with_suffix(".npz")) as entry:
            return np.asarray(entry["chunks"][self.rows[index]])

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
    if cache_dir is None:
        FEATURES.folder.hold()
    ahead = recordings[:1]  # the first compiles the frontend; the others then find it
    results = [_entry(r, contract, selection, cache_dir) for r in ahead]
    on_progress(len(results))
    with ThreadPoolExecutor(max(1, num_workers)) as pool:
        for result in pool.map(
            lambda r: _entry(r, contract, selection, cache_dir), recordings[len(ahead) :]
        ):
            results.append(result)
            on_progress(len(results))
    kept: list[Recording] = []
    entries: list[Path] = []
    starts: list[npt.NDArray[np.int64]] = []
    skipped: list[Skipped] = []
    for recording, result in zip(recordings, results, strict=True):
        if isinstance(result, Skipped):
            skipped.append(result)
            on_skip(result)
        else:
            kept.append(recording)
            entries.append(result[0])
            starts.append(result[1])
    if not kept:
        raise BadInput(
            "expected recordings that can be decoded",
            evidence=f"Received: {len(recordings)}, none of them readable; first: "
            f"{skipped[0].path if skipped else 'there is none'}",
            next_step="check the files with a player, or convert them to WAV or FLAC",
        )
    counts = [len(s) for s in starts]
    return Chunks(
        recordings=tuple(kept),
        skipped=tuple(skipped),
        owner=np.repeat(np.arange(len(kept)), counts),
        rows=np.concatenate([np.arange(n) for n in counts]),
        starts=np.concatenate(starts),
        entries=tuple(entries),
        contract=contract,
    )


def unreadable(
    recordings: Sequence[Recording], sample_rate: int, *, num_workers: int = 0
) -> list[Skipped]:
    """Those of `recordings` that cannot be decoded, in order."""
    with ThreadPoolExecutor(max(1, num_workers)) as pool:
        tried = pool.map(lambda r: _decode(r, sample_rate, None), recordings)
        return [result for result in tried if isinstance(result, Skipped)]


def _decode(
    recording: Recording, sample_rate: int, max_duration: float | None
) -> npt.NDArray[np.int16] | Skipped:
    try:
        return decode(recording.path, sample_rate, max_duration=max_duration)
    except BadInput as error:
        return Skipped(recording.relative, error.evidence.removeprefix("Received: "))


def _entry(
    recording: Recording, contract: FrontendContract, selection: Selection, cache_dir: Path | None
) -> tuple[Path, npt.NDArray[np.int64]] | Skipped:
    """The cache entry of one recording (made if absent) and the starts of its chunks."""
    from host.reference.frontend import features

    key = hashlib.sha256(
        json.dumps(
            [sha256_file(recording.path), asdict(contract), asdict(selection), _producer()],
            sort_keys=True,
        ).encode()
    ).hexdigest()
    place = _OwnFolder(cache_dir) if cache_dir is not None else FEATURES.folder
    names = [f"{key[:2]}/{key}{suffix}" for suffix in (".npy", ".npz")]
    entry = place.path / key[:2] / key
    if place.use(*names):
        starts = _kept(entry)
        if starts is not None:
            return entry, starts
    samples = _decode(recording, contract.sample_rate, selection.max_duration)
    if isinstance(samples, Skipped):
        return samples
    starts = np.array(selection.starts(samples, contract.chunk_samples), np.int64)
    chunks = cut(samples, starts.tolist(), contract.chunk_samples)
    spectrograms = np.ascontiguousarray(features(chunks, contract), np.float32)
    arrays, pcm = io.BytesIO(), io.BytesIO()
    np.save(arrays, spectrograms)
    check = np.uint32(zlib.crc32(arrays.getbuffer()))
    np.savez(pcm, chunks=chunks, starts=starts, check=check)
    for name, stream in zip(names, (arrays, pcm), strict=True):
        place.write(name, stream.getvalue())
    return entry, starts


@dataclass(frozen=True)
class _OwnFolder:
    """A folder that the user names: what lies there is believed, and never removed."""

    path: Path

    def use(self, *names: str) -> bool:
        return all((self.path / name).is_file() for name in names)

    def write(self, name: str, data: bytes) -> None:
        write_atomically(self.path / name, data)


def _kept(entry: Path) -> npt.NDArray[np.int64] | None:
    """The starts of an entry's chunks; None where it is absent or damaged."""
    try:
        with np.load(entry.with_suffix(".npz")) as stored:
            starts, check = stored["starts"], int(stored["check"])
        if zlib.crc32(entry.with_suffix(".npy").read_bytes()) == check:
            return np.asarray(starts, np.int64)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        pass
    return None


@cache
def _producer() -> dict[str, str]:
    """What decides the bytes of a cache entry besides its input: the frontend's C sources and the audio packages."""
    folder = Path(host.__file__).parents[1] / "firmware" / "core" / "frontend"
    sources = sorted(p for p in folder.rglob("*") if p.suffix in (".c", ".h", ".inc"))
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return {
        "frontend": digest.hexdigest(),
        "resampler": QUALITY,
        **{package: version(package) for package in ("numpy", "soundfile", "soxr")},
    }

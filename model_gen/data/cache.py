"""Entries of recordings, computed once and kept on disk; what was damaged there is computed again."""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import host
from host.cache import FEATURES
from host.cache_folder import BoundedFolder
from host.errors import BadInput
from host.files import sha256_file, write_atomically
from host.frontend_contract import FrontendContract
from host.made_once import made_once
from model_gen.audio.chunks import cut
from model_gen.audio.decode import QUALITY, decode
from model_gen.data.dataset import Recording
from model_gen.data.entry import Damaged, Entry, check_block, entry_bytes, map_block, read_entry
from model_gen.data.selection import Selection

_LOG = logging.getLogger("nightjar.features")
ROOT = Path(host.__file__).parents[1]
# What decides the bytes of an entry besides its recording, contract and selection.
SOURCES = (
    "firmware/core/frontend/*.[ch]",
    "host/reference/frontend.py",
    "host/reference/frontend_mel.py",
    "host/reference/frontend_tables.py",
    "model_gen/audio/chunks.py",
    "model_gen/audio/decode.py",
    "model_gen/audio/source.py",
    "model_gen/audio/unfinished.py",
    "model_gen/data/selection.py",
)
OLD = (".npy", ".npz")  # of the version before, which had no digests


@dataclass(frozen=True)
class Skipped:
    """A recording that could not be used, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class OwnFolder:
    """A folder that the user names: what lies there is checked as in the cache, and never removed."""

    path: Path

    def use(self, name: str) -> bool:
        return (self.path / name).is_file()

    def write(self, name: str, data: bytes) -> None:
        write_atomically(self.path / name, data)


@dataclass(frozen=True)
class FeatureCache:
    """Chunks and features of recordings by one contract and selection. Threads and processes may share a folder."""

    contract: FrontendContract
    selection: Selection
    place: BoundedFolder | OwnFolder
    _checked: set[tuple[Path, str]] = field(default_factory=set, repr=False, compare=False)
    _renewed: list[str] = field(default_factory=list, repr=False, compare=False)

    def entry(self, recording: Recording) -> Entry | Skipped:
        """The entry of a recording, computed if it is not there."""
        name = self._name(recording)
        path = self.place.path / name
        try:
            if self.place.use(name):
                return read_entry(path)
            if any(path.with_suffix(suffix).exists() for suffix in OLD):
                self._renewed.append(f"{recording.relative}: it is of an earlier version")
        except Damaged as damage:
            self._renewed.append(f"{recording.relative}: {damage}")
        except FileNotFoundError:
            pass  # somebody has just removed it
        return self._compute(recording, name)

    def block(self, recording: Recording, entry: Entry, name: str) -> npt.NDArray[Any]:
        """The chunks or the features of an entry, by the block's name; checked before its first use.

        Raises:
            BadInput: it is damaged, and the recording has changed or cannot be decoded any more.
        """
        try:
            return self._load(entry, name)
        except (Damaged, FileNotFoundError) as damage:
            self._renewed.append(f"{recording.relative}: {damage}")
        made = self._compute(recording, str(entry.path.relative_to(self.place.path)))
        if isinstance(made, Skipped) or made.starts != entry.starts:
            raise BadInput(
                "a recording must stay as it is while it is used",
                evidence=f"Received: {recording.path}, whose cached features were damaged",
            )
        return self._load(made, name)

    def warn(self) -> None:
        """One line about the entries that were computed again since the last one."""
        if self._renewed:
            count, first = len(self._renewed), self._renewed[0]
            self._renewed.clear()
            entries = "1 cached entry" if count == 1 else f"{count} cached entries"
            _LOG.warning("%s could not be used and was computed again; %s", entries, first)

    def _load(self, entry: Entry, name: str) -> npt.NDArray[Any]:
        block = getattr(entry, name)
        array = map_block(entry.path, block)
        if (entry.path, name) not in self._checked:
            check_block(block, array)
            self._checked.add((entry.path, name))
        return array

    def _name(self, recording: Recording) -> str:
        content = [
            sha256_file(recording.path),
            asdict(self.contract),
            asdict(self.selection),
            producer(),
        ]
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return f"{key[:2]}/{key}.entry"

    def _compute(self, recording: Recording, name: str) -> Entry | Skipped:
        from host.reference.frontend import features

        samples = decoded(recording, self.contract.sample_rate, self.selection.max_duration)
        if isinstance(samples, Skipped):
            return samples
        starts = self.selection.starts(samples, self.contract.chunk_samples)
        chunks = cut(samples, starts, self.contract.chunk_samples)
        if self._name(recording) != name:
            return Skipped(recording.relative, "it changed while it was read")
        self.place.write(name, entry_bytes(starts, chunks, features(chunks, self.contract)))
        path = self.place.path / name
        for suffix in OLD:
            path.with_suffix(suffix).unlink(missing_ok=True)
        return read_entry(path)


def feature_cache(
    contract: FrontendContract, selection: Selection, own: Path | None
) -> FeatureCache:
    """In the folder `own`, or in the cache `features` of `nightjar cache` for None."""
    if own is not None:
        return FeatureCache(contract, selection, OwnFolder(own))
    FEATURES.folder.hold()
    return FeatureCache(contract, selection, FEATURES.folder)


def decoded(
    recording: Recording, sample_rate: int, max_duration: float | None
) -> npt.NDArray[np.int16] | Skipped:
    """PCM int16 [samples] of a recording."""
    try:
        return decode(recording.path, sample_rate, max_duration=max_duration)
    except BadInput as error:
        return Skipped(recording.relative, error.evidence.removeprefix("Received: "))


@made_once()
def producer() -> dict[str, str]:
    """What decides the bytes of an entry besides its input: the frontend's sources, the decoder's and the packages."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        name = path.relative_to(ROOT).as_posix().encode()
        digest.update(name + b"\0" + path.read_bytes() + b"\0")
    packages = ("numpy", "soundfile", "soxr")
    return {
        "sources": digest.hexdigest(),
        "resampler": QUALITY,
        **{package: version(package) for package in packages},
    }

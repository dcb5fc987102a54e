"""What is heard of recordings, decoded once and kept on disk; what is not there is decoded again."""

import hashlib
import itertools
import json
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
import numpy.typing as npt

from host.cache import WINDOWS
from host.cache_folder import BoundedFolder
from host.errors import BadInput
from host.files import sha256_file, write_atomically
from host.installed import ROOT
from host.made_once import made_once
from model_gen.audio.chunks import Loudness
from model_gen.audio.decode import QUALITY, opened, pcm
from model_gen.audio.source import Source
from model_gen.data.dataset import Recording
from model_gen.data.entry import Damaged, Entry, Part, check_samples, parts, read_entry, stretches
from model_gen.data.selection import Selection

_LOG = logging.getLogger("nightjar.windows")
# What decides the bytes of an entry besides its recording, rate and selection.
SOURCES = (
    "model_gen/audio/chunks.py",
    "model_gen/audio/decode.py",
    "model_gen/audio/ends.py",
    "model_gen/audio/source.py",
    "model_gen/audio/stream.py",
    "model_gen/audio/unfinished.py",
    "model_gen/data/selection.py",
)
_CHANGED = "it changed since it was looked at; `nightjar data --rehash` looks again"
_IN_MEMORY = 1 << 25  # bytes of a decoded recording; of a longer one, they wait on disk
_PIECE = 1 << 20  # bytes that are copied at once

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Skipped:
    """A recording that could not be used, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class OwnFolder:
    """A folder that the user names: what lies there is checked as in the cache, and never pruned."""

    path: Path

    def open(self, name: str) -> BinaryIO | None:
        try:
            return (self.path / name).open("rb")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, name: str, data: Iterable[bytes]) -> None:
        write_atomically(self.path / name, data)


@dataclass(frozen=True)
class WindowCache:
    """Windows of recordings by a rate and a selection. Threads and processes may share a folder.

    It may be smaller than what is asked of it: what was pruned is decoded again, to the same bytes.
    """

    sample_rate: int
    chunk: int  # samples
    selection: Selection
    place: BoundedFolder | OwnFolder
    _checked: dict[str, tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)
    _renewed: list[str] = field(default_factory=list, repr=False, compare=False)

    def name(self, recording: Recording) -> str:
        """Where the entry of a recording lies, by what decides its bytes."""
        return self._name(recording.sha256 or sha256_file(recording.path))

    def _name(self, sha256: str) -> str:
        content = [
            sha256,
            self.sample_rate,
            self.chunk,
            asdict(self.selection),
            producer(),
        ]
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return f"{key[:2]}/{key}.pcm"

    def entry(self, recording: Recording) -> tuple[str, Entry] | Skipped:
        """The entry of a recording and its name; decoded if it is not there."""
        try:
            name = self.name(recording)
        except OSError as error:
            return Skipped(recording.relative, error.strerror or type(error).__name__)
        stream = self.place.open(name)
        if stream is not None:
            with stream:
                try:
                    return name, read_entry(stream, name)
                except Damaged as damage:
                    self._renewed.append(f"{recording.relative}: {damage}")
        return self._make(recording, name)

    def windows(
        self,
        recording: Recording,
        name: str,
        entry: Entry,
        starts: Sequence[int],
        samples: int | None = None,
    ) -> Samples:
        """Windows of a recording from samples `starts` on, of any sign: int16 [starts, samples].

        Each has `samples`, a chunk's for None; outside the recording are zeros.

        Raises:
            BadInput: they are not in the cache, and the recording is not what it was.
            ValueError: the entry does not keep what lies there.
        """
        length = samples or self.chunk
        wanted = [entry.part(start, length) for start in starts]
        out = np.zeros((len(wanted), length), np.int16)
        stream = self.place.open(name)
        if stream is None:
            return self._decoded_again(recording, entry, wanted, out)
        try:
            with stream:
                begin = self._check(stream, name, entry)
                for row, part in zip(out, wanted, strict=True):
                    stream.seek(begin + 2 * part.begin)
                    room = row[part.offset : part.offset + part.length].view(np.uint8)
                    if stream.readinto(room.data) != len(room):  # type: ignore[attr-defined]
                        raise Damaged("it has become shorter")
        except Damaged as damage:
            self._renewed.append(f"{recording.relative}: {damage}")
            self._decoded_again(recording, entry, wanted, out)
            self._make(recording, name)
        return out

    def warn(self) -> None:
        """One line about the entries that were decoded again since the last one, being damaged."""
        found = []
        while self._renewed:
            with suppress(IndexError):  # another thread says it
                found.append(self._renewed.pop(0))
        if found:
            entries = "1 cached entry" if len(found) == 1 else f"{len(found)} cached entries"
            _LOG.warning("%s could not be used and was computed again; %s", entries, found[0])

    def _check(self, stream: BinaryIO, name: str, entry: Entry) -> int:
        """Where the samples begin in a file; checked when it is seen first."""
        inode = os.fstat(stream.fileno()).st_ino
        known = self._checked.get(name)
        if known is not None and known[0] == inode:
            return known[1]
        if read_entry(stream, name) != entry:
            raise Damaged("it is of another recording")
        begin = stream.tell()
        check_samples(stream, entry)
        self._checked[name] = (inode, begin)
        return begin

    def _make(self, recording: Recording, name: str) -> tuple[str, Entry] | Skipped:
        """Decode a recording, and keep what is heard of it if that can be."""
        loudness = Loudness(self.chunk)
        samples = 0
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as waiting:
            try:
                with opened(recording.path) as source:
                    for block in self._blocks(source):
                        samples += len(block)
                        waiting.write(block.tobytes())
                        if self.selection.salient:
                            loudness.add(block)
                    whole = self._whole(source, samples)
                    found = self._name(source.sha256())
            except BadInput as error:
                return unusable(recording, error)
            if found != name:
                return Skipped(recording.relative, _CHANGED)
            starts = self.selection.starts(samples, self.chunk, loudness)
            kept = stretches(starts, self.chunk, self.selection.margin(self.chunk), samples)
            digest = hashlib.sha256()
            for piece in _pieces(waiting, kept):
                digest.update(piece)
            entry = Entry(name, tuple(starts), samples, whole, kept, digest.hexdigest())
            try:
                self.place.write(name, itertools.chain((entry.head(),), _pieces(waiting, kept)))
            except OSError:
                if isinstance(self.place, OwnFolder):
                    raise
        return name, entry

    def _decoded_again(
        self, recording: Recording, entry: Entry, wanted: Sequence[Part], out: Samples
    ) -> Samples:
        """Fill `out` with what is wanted of the entry's samples, from the recording itself."""
        out[:] = 0
        digest = hashlib.sha256()
        at = 0
        with opened(recording.path) as source:
            for piece in parts(self._blocks(source), entry.stretches):
                digest.update(piece.tobytes())
                for row, part in zip(out, wanted, strict=True):
                    begin, end = max(at, part.begin), min(at + len(piece), part.begin + part.length)
                    if begin < end:
                        room = row[part.offset :]
                        room[begin - part.begin : end - part.begin] = piece[begin - at : end - at]
                at += len(piece)
        if digest.hexdigest() != entry.sha256:
            raise BadInput(
                "a recording must stay as it is while it is used",
                evidence=f"Received: {recording.path}, which is not what it was",
                next_step="let nothing write into the data folder, then run the command again",
            )
        return out

    def _blocks(self, source: Source) -> Iterator[Samples]:
        return pcm(source, self.sample_rate, max_duration=self.selection.seconds)

    def _whole(self, source: Source, samples: int) -> int:
        """Samples of the whole recording: its header counts where decoding ended before it."""
        seconds = self.selection.seconds
        if seconds is None or samples < round(seconds * self.sample_rate) - 1:
            return samples
        return max(samples, round((source.claimed or 0) / source.rate * self.sample_rate))


def unusable(recording: Recording, error: BadInput) -> Skipped:
    """A recording that could not be decoded."""
    return Skipped(recording.relative, error.evidence.removeprefix("Received: "))


def window_cache(
    sample_rate: int, chunk: int, selection: Selection, own: Path | None
) -> WindowCache:
    """In the folder `own`, or in the cache `windows` of `nightjar cache` for None."""
    place = WINDOWS.folder if own is None else OwnFolder(own)
    return WindowCache(sample_rate, chunk, selection, place)


@made_once()
def producer() -> dict[str, str]:
    """What decides the bytes of an entry besides its input: the decoder's sources and the packages."""
    digest = hashlib.sha256()
    for source in SOURCES:
        digest.update(source.encode() + b"\0" + (ROOT / source).read_bytes() + b"\0")
    packages = ("numpy", "soundfile", "soxr")
    return {
        "sources": digest.hexdigest(),
        "resampler": QUALITY,
        **{package: version(package) for package in packages},
    }


def _pieces(waiting: IO[bytes], kept: tuple[tuple[int, int], ...]) -> Iterator[bytes]:
    """The bytes of stretches of a recording whose samples are in a file."""
    for begin, end in kept:
        waiting.seek(2 * begin)
        left = 2 * (end - begin)
        while left:
            piece = waiting.read(min(left, _PIECE))
            left -= len(piece)
            yield piece

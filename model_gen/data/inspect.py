"""Measures of many recordings, kept between commands by path, size and time of change."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, astuple
from importlib.metadata import version
from pathlib import Path

from host.cache import INSPECTIONS, key_of
from host.installed import ROOT
from host.made_once import made_once
from model_gen.data.hearing import Hearing
from model_gen.data.measure import Measures, measure

# What decides the measures of a file besides its bytes.
SOURCES = (
    "model_gen/audio/chunks.py",
    "model_gen/audio/decode.py",
    "model_gen/audio/source.py",
    "model_gen/audio/stream.py",
    "model_gen/audio/ends.py",
    "model_gen/audio/unfinished.py",
    "model_gen/data/measure.py",
)
_OFTEN = 512  # files after which what was measured is kept, in case the command is ended
_UNSURE = 2 * 10**9  # ns: a file that was changed so lately may change again with the same time

Stamp = tuple[int, int]  # size in bytes, time of change in ns
Known = dict[str, tuple[Stamp, Measures]]  # name in a folder -> what it was when it was measured


def inspect(
    paths: Sequence[Path],
    hearing: Hearing,
    *,
    rehash: bool = False,
    workers: int = 1,
    on_progress: Callable[[int], None] = lambda done: None,
) -> list[Measures]:
    """The measures of each file, in order; those that were measured before are not read again.

    Args:
        paths: recordings.
        hearing: what would be heard of them.
        rehash: whether to read every file again.
        workers: threads that read.
        on_progress: is told how many files are done.
    """
    folders = {folder: _Folder(folder, hearing) for folder in sorted({p.parent for p in paths})}
    stamps = {path: _stamp(path) for path in paths}
    if rehash:
        for folder in folders.values():
            folder.known.clear()
    todo = [p for p in stamps if folders[p.parent].recall(p, stamps[p]) is None]
    measured: dict[Path, Measures] = {}
    on_progress(len(paths) - len(todo))
    with ExitStack() as stack:
        for folder in folders.values():
            stack.callback(folder.keep)
        pool = stack.enter_context(ThreadPoolExecutor(max(1, workers)))
        try:
            results = pool.map(lambda path: measure(path, hearing), todo)
            for done, (path, found) in enumerate(zip(todo, results, strict=True), 1):
                measured[path] = found
                folders[path.parent].learn(path, stamps[path], found)
                on_progress(len(paths) - len(todo) + done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [
        measured[path] if path in measured else folders[path.parent].known[path.name][1]
        for path in paths
    ]


class _Folder:
    """What is known of the files in one folder: one entry of the cache."""

    def __init__(self, path: Path, hearing: Hearing) -> None:
        place = os.fsencode(os.path.realpath(path))
        self._key = key_of(place, json.dumps([asdict(hearing), producer()], sort_keys=True))
        self._new = 0
        self.known: Known = {}
        content = INSPECTIONS.read(self._key)
        if content is not None:
            self.known = {
                name: ((size, changed), Measures(*values))
                for name, size, changed, values in json.loads(content)
            }

    def recall(self, path: Path, stamp: Stamp | None) -> Measures | None:
        kept = self.known.get(path.name)
        return kept[1] if kept is not None and kept[0] == stamp else None

    def learn(self, path: Path, stamp: Stamp | None, found: Measures) -> None:
        settled = stamp is not None and stamp[1] < time.time_ns() - _UNSURE
        if stamp is None or not settled or _stamp(path) != stamp:
            return
        self.known[path.name] = (stamp, found)
        self._new += 1
        if self._new >= _OFTEN:
            self.keep()

    def keep(self) -> None:
        if self._new:
            rows = [[name, *stamp, astuple(found)] for name, (stamp, found) in self.known.items()]
            INSPECTIONS.write(self._key, json.dumps(rows).encode())
            self._new = 0


def _stamp(path: Path) -> Stamp | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_size, about.st_mtime_ns


@made_once()
def producer() -> str:
    """A digest of what decides the measures of a file besides its bytes."""
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes() + b"\0")
    packages = [f"{name} {version(name)}" for name in ("numpy", "soundfile", "soxr")]
    return " ".join([digest.hexdigest(), *packages])

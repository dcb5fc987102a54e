"""Caches: what was computed before, in one place, bounded, verified when read, and never needed.

A cache is a folder under `NIGHTJAR_CACHE`, or under build/cache of a checkout, or else
in the user's cache (host/installed.py). What is missing,
damaged, somebody else's or cannot be written there is as if it had never been kept. A new cache is
one line in `CACHES`.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from host.cache_folder import BoundedFolder
from host.files import sha256_file
from host.installed import own_folder

_SEALED = r"[0-9a-f]{64}"
_SEAL = "nightjar cache 1 "
MIB = 1 << 20


@dataclass(frozen=True)
class Cache:
    """One kind of entries.

    Args:
        name: also of its folder.
        holds: for people.
        bound: bytes of all entries, at most.
        verified: how an entry is known to be whole, for people.
        form: regular expression of an entry's path in the folder; its only subfolders are two hex
            digits.
    """

    name: str
    holds: str
    bound: int
    verified: str = "a SHA-256 over its content"
    form: str = _SEALED

    @property
    def folder(self) -> BoundedFolder:
        return BoundedFolder(cache_root() / self.name, self.form, self.bound)

    def read(self, key: str) -> bytes | None:
        """What was kept under a key of `key_of`, or None. A damaged entry is dropped."""
        stream = self.folder.open(key)
        if stream is None:
            return None
        with stream:
            if os.fstat(stream.fileno()).st_size > self.bound:
                return None
            raw = stream.read()
        seal, ended, content = raw.partition(b"\n")
        if not ended or seal != self._seal(key, content):
            self.drop(key)
            return None
        return content

    def write(self, key: str, content: bytes) -> None:
        """Keep `content` under a key of `key_of`, whole; does nothing where that cannot be."""
        with suppress(OSError):
            self.folder.write(key, self._seal(key, content) + b"\n" + content)

    def drop(self, key: str) -> None:
        """Forget what is kept under a key."""
        self.folder.drop(key)

    def file(self, stem: str, key: str, suffix: str, make: Callable[[Path], None]) -> Path:
        """A file that is used by its path until this process ends, as a library is.

        It is kept, or else written by `make`, whose errors are raised. Its name is STEM-KEY-DIGEST
        and `suffix`; the digest is held against its content. Where it cannot be kept, it is a file
        in memory that goes with this process.
        """
        folder = self.folder
        for path in sorted(folder.path.glob(f"{stem}-{key}-*{suffix}")):
            if folder.use(path.name) and path.name == _named(stem, key, suffix, path):
                return path
        with tempfile.TemporaryDirectory(prefix="nightjar-") as temporary:
            made = Path(temporary) / f"{stem}{suffix}"
            make(made)
            name = _named(stem, key, suffix, made)
            with suppress(OSError):
                folder.write(name, made.read_bytes())
                if folder.use(name):
                    return folder.path / name
            handle = os.memfd_create(name)
            with os.fdopen(handle, "wb", closefd=False) as stream:
                stream.write(made.read_bytes())
            return Path(f"/proc/{os.getpid()}/fd/{handle}")  # children find it, too

    def _seal(self, key: str, content: bytes) -> bytes:
        return (_SEAL + key_of(self.name, key, content)).encode()


# Name, what it holds, bound, ...: a line here registers a cache with `nightjar cache`.
CACHES = {
    cache.name: cache
    for cache in (
        Cache("expectations", "what the reference computed for a vector", 64 * MIB),
        Cache("coverage", "which bytes of a firmware its vectors reached", 64 * MIB),
        Cache("inspections", "what was measured of recordings, a folder an entry", 64 * MIB),
        Cache("messages", "the C of the link's messages, as zcbor wrote it", 4 * MIB),
        Cache(
            "libraries",
            "what is compiled: frontend, counting plugin, NPU and its networks",
            64 * MIB,
            "a SHA-256 of its content in its name",
            r"lib[a-z]+-[0-9a-f]{16}-[0-9a-f]{32}\.(so|o|elf)",
        ),
        Cache("prebuilt", "what firmware projects have in common, compiled", 256 * MIB),
        Cache(
            "windows",
            "what is heard of recordings, as PCM at a model's rate",
            8192 * MIB,
            "a SHA-256 of its header, and there one of its samples",
            r"[0-9a-f]{2}/[0-9a-f]{64}\.pcm",
        ),
        Cache("unfinished", "scores of evaluations that were cut off, until they end", 64 * MIB),
        Cache(
            "features",
            "spectrograms that earlier versions kept; nothing reads them, pruning removes them",
            0,
            "nobody",
            r"[0-9a-f]{2}/[0-9a-f]{64}\.(entry|np[yz])",
        ),
    )
}


EXPECTATIONS = CACHES["expectations"]
COVERAGE = CACHES["coverage"]
INSPECTIONS = CACHES["inspections"]
MESSAGES = CACHES["messages"]
LIBRARIES = CACHES["libraries"]
PREBUILT = CACHES["prebuilt"]
WINDOWS = CACHES["windows"]
UNFINISHED = CACHES["unfinished"]


def cache_root() -> Path:
    """The folder of all caches: `NIGHTJAR_CACHE`, or cache/ where Nightjar keeps what it makes for itself."""
    given = os.environ.get("NIGHTJAR_CACHE")
    return Path(given).absolute() if given else own_folder() / "cache"


def key_of(*parts: str | bytes) -> str:
    """SHA-256 over parts that cannot run into each other."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(raw) + raw)
    return digest.hexdigest()


def _named(stem: str, key: str, suffix: str, path: Path) -> str:
    return f"{stem}-{key}-{sha256_file(path)[:32]}{suffix}"

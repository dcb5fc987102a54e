"""A file of the feature cache: where the chunks of a recording start, their samples and their spectrograms.

A line with the SHA-256 of the next; a line of JSON: schema, starts, and of each block type, shape and SHA-256; then the
blocks, each at a multiple of 64 bytes. A file is written whole, and a block is held against its digest before its first
use, so that a damaged disk, a torn write or an earlier version's mistake is not taken for features.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import HostFailure
from host.files import sha256_bytes

SCHEMA = "nightjar/features/2"
ALIGNMENT = 64
_DIGEST = 65  # bytes of the first line
_HEAD = 1 << 14  # bytes that are read at once; most headers are shorter

Array = npt.NDArray[Any]


class Damaged(Exception):
    """A file that is no whole entry of this version; the text says why."""


@dataclass(frozen=True)
class Block:
    """An array in an entry."""

    dtype: str
    shape: tuple[int, ...]
    sha256: str
    offset: int

    @property
    def end(self) -> int:
        return self.offset + int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Entry:
    """What the header of an entry says. starts: in samples, one a chunk."""

    path: Path
    starts: tuple[int, ...]
    chunks: Block  # int16 [n, chunk_samples]
    features: Block  # float32 [n, rows, frames], all finite


def entry_bytes(starts: list[int], chunks: Array, features: Array) -> bytes:
    """What a file of an entry holds.

    Args:
        starts: in samples, one a chunk.
        chunks: int16 [n, chunk_samples].
        features: float32 [n, rows, frames].

    Raises:
        HostFailure: a feature is not finite.
    """
    if not np.isfinite(features).all():
        raise HostFailure(
            "the frontend gave features that are not finite; they are not stored",
            evidence=f"{np.count_nonzero(~np.isfinite(features))} of {features.size} values",
            next_step="run `nightjar frontend check`; this is a defect of the host or of its memory",
        )
    data = [np.ascontiguousarray(chunks, "<i2"), np.ascontiguousarray(features, "<f4")]
    head = {
        "schema": SCHEMA,
        "starts": starts,
        "blocks": [[a.dtype.str, list(a.shape), _digest(a)] for a in data],
    }
    line = json.dumps(head).encode() + b"\n"
    whole = bytearray(f"{sha256_bytes(line)}\n".encode() + line)
    for array in data:
        whole += bytes(-len(whole) % ALIGNMENT) + array.tobytes()
    return bytes(whole)


def read_entry(path: Path) -> Entry:
    """The header of an entry, held against its digest; and the file is as long as it says.

    Raises:
        FileNotFoundError: there is no such file.
        Damaged: it is no whole entry of this version.
    """
    with path.open("rb") as stream:
        start = stream.read(_HEAD)
        if b"\n" not in start[_DIGEST:]:
            start += stream.readline()
        size = stream.seek(0, 2)
    digest, line = [*start.split(b"\n", 2), b""][:2]
    if hashlib.sha256(line + b"\n").hexdigest().encode() != digest:
        raise Damaged("its header is damaged, or of another version")
    head = json.loads(line)
    if head["schema"] != SCHEMA:
        raise Damaged(f"it is {head['schema']}, not {SCHEMA}")
    chunks, features = _blocks(len(digest) + len(line) + 2, head["blocks"])
    if size != features.end:
        raise Damaged(f"it has {size} bytes instead of {features.end}")
    return Entry(path, tuple(head["starts"]), chunks, features)


def map_block(path: Path, block: Block) -> Array:
    """The array, mapped from the file.

    Raises:
        FileNotFoundError: there is no such file any more.
        Damaged: the file has become shorter.
    """
    try:
        return np.memmap(path, block.dtype, "r", block.offset, block.shape)
    except ValueError as error:
        raise Damaged(f"{error}") from error


def check_block(block: Block, array: Array) -> None:
    """Hold an array against what the header says of it.

    Raises:
        Damaged: these are other bytes, or numbers that are not finite.
    """
    if _digest(array) != block.sha256:
        raise Damaged("its digest differs")
    if not np.isfinite(array).all():
        raise Damaged("it holds numbers that are not finite")


def _blocks(start: int, described: list[Any]) -> Iterator[Block]:
    for dtype, shape, sha256 in described:
        start += -start % ALIGNMENT
        block = Block(dtype, tuple(shape), sha256, start)
        start = block.end
        yield block


def _digest(array: Array) -> str:
    return hashlib.sha256(array.reshape(-1).view(np.uint8).data).hexdigest()

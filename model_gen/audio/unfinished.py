"""Headers that were never finished, as recorders leave them that lose power: their data size is 0.

libsndfile takes such a file for one without a sample. Here its data reach to the end of the file.
"""

import io
import struct
from dataclasses import dataclass
from pathlib import Path

_HEAD = 1 << 16  # bytes that are looked at; a header with pictures in it may be longer
_MOST = (1 << 32) - 1


@dataclass(frozen=True)
class Mended:
    """The bytes of a file, its header put right; what was wrong."""

    stream: io.RawIOBase
    damage: str


class _Patched(io.RawIOBase):
    """A file, read as if its first bytes were `head`."""

    def __init__(self, path: Path, head: bytes) -> None:
        self._file = path.open("rb", buffering=0)
        self._head = head
        self._size = path.stat().st_size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        # To the last byte that is there: libsndfile takes a short read for the end of the file.
        view, done = memoryview(buffer), 0
        while done < len(view):
            piece = self._head[self._at : self._at + len(view) - done]
            if not piece:
                self._file.seek(self._at)
                piece = self._file.read(len(view) - done) or b""
            if not piece:
                break
            view[done : done + len(piece)] = piece
            done += len(piece)
            self._at += len(piece)
        return done

    def write(self, data: object) -> int:  # soundfile asks for it, and does not call it
        raise io.UnsupportedOperation("read only")

    def close(self) -> None:
        self._file.close()
        super().close()


def mended(path: Path) -> Mended | None:
    """The file with its header put right; None where its header is finished, or of no kind known
    here.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = bytearray(file.read(_HEAD))
    size = path.stat().st_size
    put_right = _KINDS.get(bytes(head[:4]))
    if put_right is None or not put_right(head, size):
        return None
    damage = "its header was never finished: all behind it is taken for sound"
    return Mended(_Patched(path, bytes(head)), damage)


def _riff(head: bytearray, size: int) -> bool:
    at = _data(head, 12, "<I")
    if at is None or any(head[at + 4 : at + 8]) or size <= at + 8:
        return False
    struct.pack_into("<I", head, 4, min(size - 8, _MOST))
    struct.pack_into("<I", head, at + 4, min(size - at - 8, _MOST))
    return True


def _rf64(head: bytearray, size: int) -> bool:
    at = _data(head, 12, "<I")
    if at is None or head[12:16] != b"ds64" or any(head[28:36]) or size <= at + 8:
        return False
    if head[at + 4 : at + 8] not in (b"\0" * 4, b"\xff" * 4):
        return False
    struct.pack_into("<QQ", head, 20, size - 8, size - at - 8)
    struct.pack_into("<I", head, at + 4, _MOST)
    return True


def _au(head: bytearray, size: int) -> bool:
    if len(head) < 24 or any(head[8:12]):
        return False
    start = int(struct.unpack_from(">I", head, 4)[0])
    struct.pack_into(">I", head, 8, min(max(0, size - start), _MOST))
    return size > start


def _caf(head: bytearray, size: int) -> bool:
    at = _data(head, 8, ">Q")
    if at is None or size <= at + 16:
        return False
    claimed = struct.unpack_from(">q", head, at + 4)[0]
    left = size - at - 12
    if claimed == -1 or 0 < claimed <= left:
        return False
    struct.pack_into(">q", head, at + 4, left)
    return True


def _data(head: bytearray, at: int, length: str) -> int | None:
    """Where the chunk of samples begins; None where it is not among the bytes that were read."""
    width = 4 + struct.calcsize(length)
    while at + width <= len(head):
        if head[at : at + 4] == b"data":
            return at
        step = int(struct.unpack_from(length, head, at + 4)[0])
        at += width + step + (step & 1 if width == 8 else 0)
    return None


_KINDS = {b"RIFF": _riff, b"RF64": _rf64, b".snd": _au, b"caff": _caf}

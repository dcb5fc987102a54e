"""The bytes of a recording, read once: what decodes them has them from here, and their digest comes on
the way."""

import hashlib
import io
from io import FileIO
from pathlib import Path

HEAD = 1 << 16  # bytes that are kept: a header is among them, unless it has pictures in it
_BUFFER = 1 << 17  # bytes that are asked of the system at once


class Stream(io.RawIOBase):
    """A file, read as if its first bytes were `head`, which may be put right before anything else is
    read.

    trouble: why a read failed, "" where none did. It is told here, and the stream taken for ended,
    because libsndfile, which calls `readinto`, knows no exceptions.

    Raises:
        OSError: the system refuses.
    """

    def __init__(self, path: Path) -> None:
        self._file = io.BufferedReader(FileIO(path), _BUFFER)
        self.size = self._file.seek(0, io.SEEK_END)
        self._file.seek(0)
        self._digest = hashlib.sha256()
        self._digested = self._at = 0
        self.trouble = ""
        self.head = bytearray(HEAD)
        del self.head[self._fill(memoryview(self.head)) :]

    def sha256(self) -> str:
        """SHA-256 of the file as it lies on the disk; what was not read yet is read now.

        Raises:
            OSError: the system refuses.
        """
        self._file.seek(self._digested)
        while piece := self._file.read(_BUFFER):
            self._note(self._digested, memoryview(piece))
        return self._digest.hexdigest()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        # To the last byte that is there: libsndfile takes a short read for the end of the file.
        view = memoryview(buffer)
        done = len(piece := self.head[self._at : self._at + len(view)])
        view[:done] = piece
        try:
            if done < len(view):
                self._file.seek(self._at + done)
                done += self._fill(view[done:])
        except OSError as error:
            self.trouble = error.strerror or type(error).__name__
        self._at += done
        return done

    def write(self, data: object) -> int:  # soundfile asks for it, and does not call it
        raise io.UnsupportedOperation("read only")

    def close(self) -> None:
        self._file.close()
        super().close()

    def _fill(self, view: memoryview) -> int:
        at = self._file.tell()
        done = self._file.readinto(view)
        self._note(at, view[:done])
        return done

    def _note(self, at: int, piece: memoryview) -> None:
        """Take what follows on the bytes that the digest knows."""
        if at <= self._digested < at + len(piece):
            self._digest.update(piece[self._digested - at :])
            self._digested = at + len(piece)

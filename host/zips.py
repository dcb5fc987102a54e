"""Zips that somebody else wrote: how many members, how they are packed and how large, before anything is unpacked."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

_ENTRY = b"PK\x01\x02"  # begins each entry of a zip's directory
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may ask for any memory
_ENCRYPTED = 1
# What reading a damaged zip, and what is in it, may raise.
DAMAGED = (
    *(ValueError, EOFError, KeyError, OSError, RuntimeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error, OverflowError, SyntaxError, MemoryError),
)


def is_plain(entry: zipfile.ZipInfo) -> bool:
    """Whether a member is stored or deflated, and not encrypted."""
    return entry.compress_type in _PACKED and not entry.flag_bits & _ENCRYPTED


@contextmanager
def opened(data: bytes, most: int) -> Iterator[zipfile.ZipFile]:
    """A zip of at most `most` members, no two of one name, each stored or deflated.

    Raises:
        one of DAMAGED: it is none.
    """
    # Python's zipfile makes an object of each entry, before anybody can ask how many there are.
    if data.count(_ENTRY) > 4 * most:
        raise ValueError(f"a zip with more than {most} members")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        if len(set(names)) != len(names) or len(names) > most:
            raise ValueError(f"{len(names)} members, of which {len(set(names))} have a name alone")
        for entry in archive.infolist():
            if not is_plain(entry):
                raise ValueError(
                    f"{entry.filename[:200]!r} is packed in another way than by deflate"
                )
        yield archive


def unpacked(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of a member, whose size its entry says.

    Raises:
        one of DAMAGED: it is another size; no more than that size was unpacked then.
    """
    size = archive.getinfo(name).file_size
    with archive.open(name) as stream:
        # ZipFile.read would unpack all that is there, a thousand times what the file holds, and cut it off then.
        data = stream.read(size + 1)
    if len(data) != size:
        raise ValueError(f"{name[:200]!r} of another size than its entry says")
    return data

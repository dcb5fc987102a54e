"""Whether a file ends where its container says: what a decoder takes without a word.

An Ogg stream that was cut is shorter, and else whole, but for the mark on its last page. Behind the
samples of a WAV nothing but chunks may follow; what a header does not count is never read.
"""

import struct

from model_gen.audio.stream import HEAD, Stream
from model_gen.audio.unfinished import data_chunk

_PAGE = 27  # bytes of a page's header, before its segment table
_LAST = 4  # of a page's flags: it ends the stream
_SLACK = 512  # bytes behind the last chunk that are nothing: tags, or padding to a sector


def end_trouble(stream: Stream) -> str:
    """What is wrong at the end of a file, for people; "" where nothing is, or of another kind.

    The stream is afterwards where it was before; what cannot be read is told to who decodes it.
    """
    look = {b"OggS": _ogg, b"RIFF": _wav}.get(bytes(stream.head[:4]))
    if look is None:
        return ""
    before = stream.tell()
    try:
        told = look(stream)
        return "" if stream.trouble else told
    finally:
        stream.seek(before)
        stream.trouble = ""


def _ogg(stream: Stream) -> str:
    """The last page must be whole, and say that it is the last."""
    after = b""
    for at in reversed(range(0, stream.size, HEAD)):
        stream.seek(at)
        piece = stream.read(HEAD) + after
        found = piece.rfind(b"OggS")
        if found >= 0:
            return (
                ""
                if _ends(piece[found:])
                else "it breaks off: the end of its Ogg stream is missing"
            )
        after = piece[:HEAD]  # no page is longer
    return ""


def _ends(page: bytes) -> bool:
    if len(page) < _PAGE or not page[5] & _LAST:
        return False
    segments = page[_PAGE : _PAGE + page[26]]
    return len(segments) == page[26] and len(page) >= _PAGE + len(segments) + sum(segments)


def _wav(stream: Stream) -> str:
    end = data_chunk(stream.head, 12, "<I")
    if end is None or _chunk(stream, end) is None:
        return ""
    while (size := _chunk(stream, end)) is not None:
        end += 8 + size + (size & 1)
    stream.seek(end)
    if end >= stream.size - _SLACK or not any(stream.read(HEAD)):
        return ""
    return (
        f"its header counts less than there is: {stream.size - end:,} bytes at its end are neither "
        "read nor known"
    )


def _chunk(stream: Stream, at: int) -> int | None:
    """The size of the chunk at `at`; None where there is none."""
    stream.seek(at)
    header = stream.read(8)
    if len(header) < 8 or not all(32 <= byte < 127 for byte in header[:4]):
        return None
    size = int(struct.unpack("<I", header[4:])[0])
    return size if at + 8 + size <= stream.size else None

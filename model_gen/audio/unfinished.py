"""Headers that were never finished, as recorders leave them that lose power: their data size is 0.

libsndfile takes such a file for one without a sample. Here its data reach to the end of the file.
"""

import struct

_MOST = (1 << 32) - 1


def put_right(head: bytearray, size: int) -> str:
    """Put the header of a file right, of which `head` has the first bytes, and `size` is the length.

    Returns:
        What was wrong, for people; "" where it is finished, or of no kind known here.
    """
    mend = _KINDS.get(bytes(head[:4]))
    if mend is None or not mend(head, size):
        return ""
    return "its header was never finished: all behind it is taken for sound"


def _riff(head: bytearray, size: int) -> bool:
    at = data_chunk(head, 12, "<I")
    if at is None or any(head[at + 4 : at + 8]) or size <= at + 8:
        return False
    struct.pack_into("<I", head, 4, min(size - 8, _MOST))
    struct.pack_into("<I", head, at + 4, min(size - at - 8, _MOST))
    return True


def _rf64(head: bytearray, size: int) -> bool:
    at = data_chunk(head, 12, "<I")
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
    at = data_chunk(head, 8, ">Q")
    if at is None or size <= at + 16:
        return False
    claimed = struct.unpack_from(">q", head, at + 4)[0]
    left = size - at - 12
    if claimed == -1 or 0 < claimed <= left:
        return False
    struct.pack_into(">q", head, at + 4, left)
    return True


def data_chunk(head: bytearray, at: int, length: str) -> int | None:
    """Where the chunk of samples begins; None where it is not among the bytes that were read."""
    width = 4 + struct.calcsize(length)
    while at + width <= len(head):
        if head[at : at + 4] == b"data":
            return at
        step = int(struct.unpack_from(length, head, at + 4)[0])
        at += width + step + (step & 1 if width == 8 else 0)
    return None


_KINDS = {b"RIFF": _riff, b"RF64": _rf64, b".snd": _au, b"caff": _caf}

"""Frames whose CRC is wrong each time: a link hits every try elsewhere, a wrong table does not."""

from host.link.frames import Frame, FrameType

# Tries that end a question at once. A link that hits a byte with probability p damages nothing but
# the four bytes of a CRC with less than 4 p a try: at p = 1e-2 with less than 0.04 ** 8 = 7e-12 in
# all of eight tries, which a hundred thousand sessions of a hundred questions each see once in
# fifteen thousand.
CERTAIN = 8
# Tries that are enough when the deadline passes and nothing else has come.
ENOUGH = 3
_NEAR = 64  # frames that may have been lost between two tries
_SEQUENCES = 1 << 16


class SameDamage:
    """Collects the awaited frames of one question that are well formed but for their CRC.

    The firmware counts its frames, so that the next try has a later sequence number and another
    CRC; of a READ it may be a shorter piece. The same number again is a copy that the link made,
    and no other try.
    """

    def __init__(self) -> None:
        self._last: dict[int, Frame] = {}
        self._tries: dict[int, int] = {}
        self._others = False

    @property
    def tries(self) -> int:
        """Tries with the same damage; 0 once anything has come that this cannot explain."""
        return 0 if self._others else max(self._tries.values(), default=0)

    def saw(self, frame: Frame | None, place: int = 0) -> None:
        """A damaged block: the awaited frame, or None when it cannot be read.

        `place`: which of several awaited ones.
        """
        if frame is None:
            self._others = True
            return
        last = self._last.get(place)
        self._last[place] = frame
        if last is None:
            self._tries[place] = 1
            return
        later = (frame.sequence - last.sequence) % _SEQUENCES
        if not _same(frame, last) or later > _NEAR:
            self._others = True
        elif later:
            self._tries[place] += 1


def _same(one: Frame, other: Frame) -> bool:
    if one.type != other.type:
        return False
    if one.type != FrameType.DATA:
        return one.payload == other.payload
    short, long = sorted((one.payload, other.payload), key=len)
    return long.startswith(short)

"""How large the pieces are in which tensors go over the link, and how long they take."""

from host.link.exchange import Pace
from host.link.frames import MAX_PIECE

WINDOW = 8  # pieces under way: there is no flow control below
_SMALLEST = 32  # bytes
# Before any piece was timed: the virtual board's UART, the slowest port, takes 20 to 31 kB/s.
_SLOWEST = 60e-6  # seconds a byte
_FRAME = 32  # bytes of a DATA frame besides its piece, at most
_GROW_AFTER = 32  # pieces in a row that arrived


class PieceSize:
    """Bytes of a piece: halved when one is lost, doubled after a good stretch, so that a bad link still moves data.

    `pace` says how long a piece takes with others in front of it: on a slow port much longer than a small request.
    """

    def __init__(self) -> None:
        self.bytes = MAX_PIECE
        self.pace = Pace()
        self._good = 0

    def wait(self, length: int) -> float:
        """Seconds to wait for the first of the pieces of `length` bytes that may be under way."""
        pieces = min(WINDOW, -(-length // self.bytes))
        return self.pace.first(
            0.02 + (min(length, WINDOW * self.bytes) + pieces * _FRAME) * _SLOWEST
        )

    def arrived(self, pieces: int = 1) -> None:
        self._good += pieces
        if self._good >= _GROW_AFTER and self.bytes < MAX_PIECE:
            self.bytes = min(MAX_PIECE, 2 * self.bytes)
            self._good = 0

    def lost(self, length: int) -> None:
        """A piece of `length` bytes did not arrive."""
        self.bytes = max(_SMALLEST, min(self.bytes, length) // 2)
        self._good = 0

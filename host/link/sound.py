"""Sound over the link, to firmware that listens: blocks that nothing answers, as a microphone's are not."""

import numpy as np
import numpy.typing as npt

from host.deadline import Deadline
from host.link.exchange import Exchange, unexpected
from host.link.frames import Broken, FrameType, data_payload, parse_credit
from host.link.messages import DetectionEvent

BLOCK = 512  # samples, at most
WINDOW = 8  # blocks under way: there is no flow control below
_PLACES = 1 << 32


class Sound:
    """What one LISTEN hears. `room`: samples that can wait on the board.

    Every method raises what `Client` names.
    """

    def __init__(self, exchange: Exchange, room: int) -> None:
        self.room = room
        self._exchange = exchange
        self._request = exchange.newest_request
        self._sent = 0
        self._heard = 0

    @property
    def waiting(self) -> int:
        """Samples that were sent and, as far as it is known, not heard yet."""
        return self._sent - self._heard

    @property
    def detections(self) -> tuple[DetectionEvent, ...]:
        """What was heard so far, in order."""
        found = self._exchange.detections
        return tuple(found[nth] for nth in sorted(found))

    def send(self, samples: npt.NDArray[np.int16], deadline: Deadline) -> None:
        """Send the next block, int16 [1 ... BLOCK], at once."""
        if samples.dtype != np.int16 or not 1 <= samples.size <= BLOCK:
            raise ValueError(f"a block is int16 [1 ... {BLOCK}]. Received: {samples.shape}")
        data = samples.astype("<i2").tobytes()
        payload = data_payload(self._sent % _PLACES, len(data), data)
        self._exchange.send(FrameType.DATA, self._request, payload, deadline)
        self._sent += samples.size

    def skip(self, samples: int) -> None:
        """Go on as if so many samples had been sent and lost on the way."""
        self._sent += samples

    def nothing_waits(self) -> None:
        """The board says that it has heard all that came."""
        self._heard = self._sent

    def hear(self, deadline: Deadline, *, until: int = 0) -> bool:
        """Take what the board says, until at most `until` samples wait; whether it is so before the deadline."""
        while self.waiting > until:
            item = self._exchange.receive(deadline)
            if item is None:
                return False
            if isinstance(item, Broken) or item.request != self._request:
                self._exchange.stats.stale += 1
            elif item.type == FrameType.CREDIT:
                self._credit(parse_credit(item.payload))
        return True

    def _credit(self, place: int | None) -> None:
        if place is None:
            raise unexpected("a block of sound", "a CREDIT without a place")
        ahead = (place - self._heard) % _PLACES
        if ahead <= self.waiting:
            self._heard += ahead

"""What a judge has just computed, whole, for whoever asks in the same process; beyond a bound the oldest go."""

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

from host.reference.interpreter import Array

MOST_BYTES = 64 << 20


class Recent:
    """Tensors of runs, by what was run."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._runs: OrderedDict[str, Mapping[int, Array]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def keep(self, key: str, tensors: Mapping[int, Array]) -> None:
        """Keep a run's tensors, unless they alone are beyond the bound; nobody may write to them."""
        with self._lock:
            self._drop(key)
            size = _bytes(tensors)
            if size > self._most:
                return
            self._runs[key] = dict(tensors)
            self._bytes += size
            while self._bytes > self._most:
                self._drop(next(iter(self._runs)))

    def find(self, key: str) -> dict[int, Array] | None:
        with self._lock:
            found = self._runs.get(key)
            return None if found is None else dict(found)

    def _drop(self, key: str) -> None:
        gone = self._runs.pop(key, None)
        self._bytes -= 0 if gone is None else _bytes(gone)


def _bytes(tensors: Mapping[int, Array]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())

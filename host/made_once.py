"""Caches whose values are made once, however many threads ask for one at the same time."""

import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Generic, TypeVar, TypeVarTuple

A = TypeVarTuple("A")
T = TypeVar("T")


class MadeOnce(Generic[*A, T]):
    """A function of positional arguments that remembers its last results. While one is made, other threads wait for it.

    functools.cache makes it in each of them, and keeps the last: the others then hold results that nobody else has.
    """

    def __init__(self, make: Callable[[*A], T], most: int | None) -> None:
        self._remembered = lru_cache(maxsize=most)(make)
        self._lock = threading.RLock()  # what is made may need another result of the same function

    def __call__(self, *arguments: *A) -> T:
        with self._lock:
            return self._remembered(*arguments)

    def forget(self) -> None:
        """Make everything anew."""
        with self._lock:
            self._remembered.cache_clear()


def made_once(most: int | None = None) -> Callable[[Callable[[*A], T]], MadeOnce[*A, T]]:
    """Decorator; `most` results are remembered, all for None."""
    return lambda make: MadeOnce(make, most)

"""Caches whose values are made once, however many threads ask for one at the same time."""

import hashlib
import threading
from collections.abc import Callable
from functools import lru_cache, wraps
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


def by_content(most: int) -> Callable[[Callable[[bytes], T]], Callable[[bytes], T]]:
    """Decorator for a function of the bytes of a file: `most` results are remembered, and of the bytes only a digest.

    A campaign judges the same few files ever again; each may have megabytes.
    """

    def remembering(make: Callable[[bytes], T]) -> Callable[[bytes], T]:
        known: dict[bytes, T] = {}  # the one that was asked for last is the last
        lock = threading.Lock()

        @wraps(make)
        def call(data: bytes) -> T:
            key = hashlib.sha256(data).digest()
            with lock:
                if key in known:
                    known[key] = known.pop(key)
                    return known[key]
            made = make(data)
            with lock:
                known[key] = made
                while len(known) > most:
                    del known[next(iter(known))]
            return made

        return call

    return remembering

"""One result for all threads that ask at the same time."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from host.made_once import by_content, made_once

THREADS = 8


def test_threads_at_once_get_the_same_result_made_once() -> None:
    made: list[int] = []
    barrier = threading.Barrier(THREADS)

    @made_once()
    def make(value: int) -> object:
        made.append(value)
        time.sleep(0.01)  # so that all have asked
        return object()

    def ask(_: int) -> object:
        barrier.wait()
        return make(7)

    with ThreadPoolExecutor(THREADS) as pool:
        results = set(pool.map(ask, range(THREADS)))
    assert made == [7]
    assert len(results) == 1


def test_the_last_ones_are_remembered_and_forgotten() -> None:
    made: list[int] = []

    @made_once(2)
    def make(value: int) -> int:
        made.append(value)
        return -value

    assert [make(1), make(2), make(1), make(3), make(2)] == [-1, -2, -1, -3, -2]
    assert made == [1, 2, 3, 2]
    make.forget()
    make(2)
    assert made == [1, 2, 3, 2, 2]


def test_a_failure_is_not_remembered() -> None:
    failing = [True]

    @made_once()
    def make() -> str:
        if failing.pop():
            failing.append(False)
            raise OSError("not yet")
        return "made"

    with pytest.raises(OSError, match="not yet"):
        make()
    assert make() == "made"


def test_the_bytes_of_a_file_are_looked_at_once_and_not_kept() -> None:
    looked: list[bytes] = []

    @by_content(2)
    def length(data: bytes) -> int:
        looked.append(data[:1])
        return len(data)

    assert [length(bytes(word)) for word in (b"a", b"bb", bytearray(b"a"))] == [1, 2, 1]
    assert looked == [b"a", b"b"]
    assert length(b"ccc") == 3  # in the place of bb, which was asked for before a
    assert [length(b"a"), length(b"bb")] == [1, 2]
    assert looked == [b"a", b"b", b"c", b"b"]


def test_what_raises_is_not_remembered() -> None:
    raised = [ValueError("first"), None]

    @by_content(2)
    def fails(data: bytes) -> int:
        error = raised.pop(0)
        if error is not None:
            raise error
        return len(data)

    with pytest.raises(ValueError, match="first"):
        fails(b"x")
    assert fails(b"x") == 1

"""Runs that are remembered within a bound of bytes."""

import numpy as np

from host.reference.recent import Recent


def test_the_oldest_go_first() -> None:
    recent = Recent(most_bytes=10)
    for name, size in (("a", 4), ("b", 4), ("c", 4)):
        recent.keep(name, {3: np.full(size, ord(name), np.int8)})
    assert recent.find("a") is None
    found = recent.find("b")
    assert found is not None
    assert found[3].tolist() == [ord("b")] * 4
    recent.keep("b", {3: np.zeros(8, np.int8)})  # again, and larger: c goes
    assert recent.find("c") is None
    assert recent.find("b") is not None
    recent.keep("d", {0: np.zeros(11, np.int8)})  # never fits, and pushes nothing out
    assert recent.find("d") is None
    assert recent.find("b") is not None
    recent.keep("b", {0: np.zeros(11, np.int8)})  # nor is an earlier one found in its place
    assert recent.find("b") is None


def test_what_is_found_can_be_added_to() -> None:
    recent = Recent()
    recent.keep("a", {1: np.zeros(2)})
    found = recent.find("a")
    assert found is not None
    found[2] = np.zeros(1)
    again = recent.find("a")
    assert again is not None
    assert set(again) == {1}

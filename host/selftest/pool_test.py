"""Cases spread over processes: what crashes, hangs or raises is named, and nothing lives on."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from host.selftest.leftovers import processes
from host.selftest.pool import Ended, spread

LIMIT = 15.0  # seconds; a process takes less to start


def start() -> Callable[[str], str]:
    return work


def work(case: str) -> str:
    if case == "raises":
        raise KeyError("nothing there")
    if case == "ends":
        os._exit(0)
    if case == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if case == "hangs":
        time.sleep(600)
    return case.upper()


def broken() -> Callable[[str], str]:
    raise OSError("no tools")


def by_case(ended: list[Ended[str, str]]) -> dict[str, Ended[str, str]]:
    assert len({one.case for one in ended}) == len(ended)
    return {one.case: one for one in ended}


def test_what_goes_wrong_is_named_and_the_others_go_on() -> None:
    cases = ["a", "raises", "b", "ends", "is killed", "c"]
    found = by_case(list(spread(cases, start, workers=1, limit=LIMIT)))
    assert set(found) == set(cases)
    assert [found[case].result for case in "abc"] == ["A", "B", "C"]
    assert "nothing there" in found["raises"].wrong
    assert "ended with 0" in found["ends"].wrong
    assert "ended with -9" in found["is killed"].wrong


def test_those_beside_one_that_hangs_are_done_again() -> None:
    cases = ["hangs", *(str(number) for number in range(20))]
    found = by_case(list(spread(cases, start, workers=1, depth=4, limit=LIMIT)))
    assert [case for case, one in found.items() if one.result is None] == ["hangs"]
    assert "had not ended after 15 s" in found["hangs"].wrong
    assert len(found) == len(cases)


def test_work_that_cannot_begin_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="no tools"):
        list(spread(["a"], broken, workers=1, limit=LIMIT))


def test_nothing_lives_on_when_the_caller_leaves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NIGHTJAR_SELFTEST", str(tmp_path))
    cases = spread(["a", "hangs", "hangs"], start, workers=2, limit=600.0)
    assert next(cases).result == "A"
    assert processes(tmp_path)
    cases.close()
    assert processes(tmp_path) == {}

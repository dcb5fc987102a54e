"""Whole sessions of drawn firmware over drawn links, on the native board: each ends as one table says.

`nightjar selftest sessions` runs 100,000 of them.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from host.compare.session import Session
from host.link.testing_firmware import can_build
from host.report.verdict import Verdict
from host.selftest import sessions
from host.selftest.links import Line
from host.selftest.session_tally import SessionTally
from host.selftest.sessions import KINDS, campaign, draw, run, seeds_of, stocked
from host.selftest.stock import Stock

COUNT = 700
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def stock() -> Iterator[Stock]:
    if not can_build("native"):
        pytest.skip("gcc is not installed")
    with stocked() as made:
        yield made


def seed_of(stock: Stock, kind: str, firmware: str, *, after: int = 1000) -> int:
    """The first session of that kind with that firmware; something happens before frame `after`."""
    for seed in range(10_000):
        drawn = draw(stock, seed)
        if (drawn.kind, drawn.firmware.gives) == (kind, firmware) and drawn.after < after:
            return seed
    raise AssertionError(f"no {kind} with {firmware}")


def test_no_session_ends_in_another_way_than_the_tables(stock: Stock) -> None:
    tally = SessionTally()
    for ended in campaign(stock, seeds_of(1, COUNT), workers=1):
        tally.add(ended)
    figures = tally.as_json()
    assert figures["deviating"] == []
    assert figures["sessions"] == COUNT
    kinds = figures["kinds"]
    assert [kind for kind, row in kinds.items() if not row["sessions"]] == []
    assert [kind for kind, row in kinds.items() if kind != "whole" and not row["struck"]] == []
    outcomes = sum((Counter(row["outcomes"]) for row in kinds.values()), Counter())
    assert set(outcomes) == {"EXACT", "DIFFERENT", "FIRMWARE", "IDENTITY", "LINK", "BOARD"}


def test_a_session_can_be_repeated(stock: Stock) -> None:
    """The same bytes are damaged, so that the same requests are repeated; the link alone decides, not the clock."""
    seed = seed_of(stock, "frames lost or doubled", "EXACT")
    first, again = run(stock, seed), run(stock, seed)
    assert first.faults > 0
    assert replace(first, seconds=0.0) == replace(again, seconds=0.0)


@pytest.mark.parametrize("kind", ["whole", "bytes at 1e-3", "chatter"])
def test_a_judge_that_says_exact_is_found(
    stock: Stock, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """It judges good firmware, whatever it is given."""
    seed = seed_of(stock, kind, "DIFFERENT")
    assert run(stock, seed).wrong == ""
    judge, good = sessions.prove, stock.firmware["good"][0].project
    monkeypatch.setattr(sessions, "prove", lambda given: judge(replace(given, project=good)))
    result = run(stock, seed)
    assert result.wrong == "EXACT instead of DIFFERENT"
    tally = SessionTally()
    tally.add(sessions.Ended(seed, result))
    assert f"nightjar selftest sessions --only {seed}" in tally.deviations[0]


def test_a_judge_that_names_another_difference_is_found(
    stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = sessions.prove

    def errs(session: Session) -> Verdict:
        verdict = judge(session)
        first = verdict.first_difference
        assert first is not None
        return replace(verdict, first_difference=replace(first, differing=first.differing + 1))

    monkeypatch.setattr(sessions, "prove", errs)
    seed = seed_of(stock, "whole", "DIFFERENT")
    assert "not the first difference" in run(stock, seed).wrong


def test_a_verdict_over_a_dead_link_is_found(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that only says that it died: the judge is right, and the table says that it cannot be."""
    monkeypatch.setitem(sessions.KINDS, "dead", replace(KINDS["dead"], line=Line))
    monkeypatch.setattr(sessions.Kind, "happens", True)
    monkeypatch.setattr(sessions, "_SHORT", 60.0)
    seed = seed_of(stock, "dead", "EXACT", after=1)
    assert run(stock, seed).wrong == "EXACT instead of LINK"


def test_what_crashes_hangs_or_raises_is_a_deviation() -> None:
    tally = SessionTally()
    tally.add(sessions.Ended(5, None, "it had not ended after 530 s"))
    assert tally.as_json()["deviations"] == 1
    assert "session 5: it had not ended" in tally.deviations[0]

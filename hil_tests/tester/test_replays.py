"""A few sessions of `nightjar selftest replays`, which records and replays 200, and what it would find."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from hil_tests.tester.conftest import need_tools
from host.compare.conclude import Conclusion
from host.exit_codes import Exit
from host.selftest import replays
from host.selftest.pool import Ended
from host.selftest.replay_tally import ReplayTally
from host.selftest.replays import drawn_of, run
from host.selftest.sessions import stocked
from host.selftest.stock import Stock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def stocks() -> Iterator[list[Stock]]:
    need_tools("native")
    with stocked() as made:
        yield [made]


def seed_of(stocks: list[Stock], gives: str, *, suite: bool) -> int:
    """The first session over a link that is whole whose firmware gives that."""
    for seed in range(10_000):
        _, drawn, whole = drawn_of(stocks, seed)
        if (drawn.kind, drawn.firmware.gives, whole) == ("whole", gives, suite):
            return seed
    raise AssertionError(f"none gives {gives}")


def test_sessions_replay_to_the_same(stocks: list[Stock]) -> None:
    tally = ReplayTally()
    for gives, suite in (("EXACT", False), ("DIFFERENT", True), ("IDENTITY", True)):
        seed = seed_of(stocks, gives, suite=suite)
        tally.add(Ended(seed, run(stocks, seed)))
    figures = tally.as_json()
    assert figures["deviating"] == []
    assert figures["outcomes"] == {"native": {"DIFFERENT": 1, "EXACT": 1, "IDENTITY": 1}}
    assert (figures["damaged_files"], figures["of_the_suite"]) == (12, 2)
    assert figures["refused"] > 8


def test_a_replay_to_something_else_is_found(
    stocks: list[Stock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another digit of the first byte that differs, in the verdict and nowhere else."""
    judge = replays.replay

    def errs(parts: object, folder: object) -> object:
        found = judge(parts, folder)  # type: ignore[arg-type]
        verdict = found.conclusion.verdict
        assert verdict is not None
        assert verdict.first_difference is not None
        first = replace(verdict.first_difference, got=99)
        wrong = Conclusion(Exit.FIRMWARE, replace(verdict, first_difference=first), None, ())
        return replace(found, conclusion=wrong)

    monkeypatch.setattr(replays, "replay", errs)
    seed = seed_of(stocks, "DIFFERENT", suite=False)
    result = run(stocks, seed)
    assert "another verdict" in result.wrong
    tally = ReplayTally()
    tally.add(Ended(seed, result))
    assert f"nightjar selftest replays --only {seed}" in tally.as_json()["deviating"][0]


def test_a_damaged_file_that_is_taken_is_found(
    stocks: list[Stock], monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = seed_of(stocks, "DIFFERENT", suite=False)
    other = run_bytes(stocks, seed_of(stocks, "EXACT", suite=False))
    monkeypatch.setattr(replays, "damages", lambda data, generator: [("another", other)])
    assert "the file with another: another code" in run(stocks, seed).wrong


def run_bytes(stocks: list[Stock], seed: int) -> bytes:
    stock, drawn, suite = drawn_of(stocks, seed)
    session = replays.session_of(stock, drawn, drawn.seconds, [])
    return replays.recorded(session, suite=suite)[1]

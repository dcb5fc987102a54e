"""Single bits flipped anywhere in the loaded bytes of a linked ELF: each gives what the place of its byte explains.

`nightjar selftest flips` flips 1,000 of the demo's; test_flip.py holds single ones against the reference.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.compare.session import Session
from host.elf_record import write_record
from host.report.verdict import Verdict
from host.selftest import flips
from host.selftest.flip_tally import FlipTally
from host.selftest.flips import Flip, Target, campaign, draw, judge, target
from host.selftest.places import Layout, Reach

COUNT = 40
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def given(made: Any, bundle_path: Path) -> Iterator[Target]:
    project = made(bundle_path, "virtual")[1]
    with target(
        bundle_path, "virtual", project=project.path, vectors=0, seed=1, limit=None
    ) as found:
        yield found


def a_flip(given: Target, symbol: str, reach: Reach) -> tuple[int, int, int]:
    """Of the top bit of the first such byte."""
    layout = given.layout
    for number in range(layout.size):
        place = layout.place(number)
        if place.symbol.startswith(symbol) and place.reach == reach:
            return 0, number, 7
    raise AssertionError(f"no byte of {symbol} is {reach}")


def test_no_flip_gives_what_its_place_does_not_explain(given: Target) -> None:
    drawn = draw(given.layout.size, 1, COUNT)
    tally = FlipTally()
    for ended in campaign(given, [(number, *bit) for number, bit in enumerate(drawn)], workers=1):
        tally.add(ended)
    figures = tally.as_json()
    assert figures["deviating"] == []
    assert (figures["judged"], figures["refused_by_the_record"]) == (COUNT, COUNT)
    outcomes = figures["outcomes"]
    assert outcomes["DIFFERENT"] > 0
    assert COUNT - outcomes["EXACT"] > COUNT // 10
    assert outcomes["EXACT"] == len(tally.survivors) + sum(
        flip.place.reach == Reach.NOT for flip in tally.flips
    )
    assert len(tally.explanations()) == len(tally.survivors)


def test_draws_are_different_bits_and_longer_ones_begin_with_the_shorter() -> None:
    assert draw(1000, 3, 500)[:40] == draw(1000, 3, 40)
    assert len(set(draw(10, 3, 500))) == 80
    assert draw(1000, 3, 40) != draw(1000, 4, 40)


def test_a_layout_numbers_every_loaded_byte_once(given: Target) -> None:
    layout = given.layout
    places = [layout.place(number) for number in range(layout.size)]
    assert (
        len({place.offset for place in places}) == len({p.address for p in places}) == len(places)
    )
    elf = given.project.elf.read_bytes()
    with pytest.raises(IndexError):
        layout.place(layout.size)
    assert {p.section for p in places} >= {".text", ".rodata", ".engine_text", ".engine_rodata"}
    assert {place.reach for place in places} >= {Reach.NOT, Reach.READ, Reach.EXECUTED}
    weights = [elf[p.offset] for p in places if p.symbol == "nj_op0_weights"]
    assert len(weights) > 50
    assert len(set(weights)) > 20


def blind(given: Target) -> Callable[[Session], Verdict]:
    """A judge that says EXACT whatever runs: it judges the firmware as it was before the flip."""
    judge_it = flips.prove
    return lambda session: judge_it(replace(session, project=given.project))


def test_a_judge_that_says_exact_is_found(given: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the record as it was, no EXACT is right at all."""
    monkeypatch.setattr(flips, "prove", blind(given))
    flip = judge(given, a_flip(given, "nj_op0_weights", Reach.READ))
    assert "the session takes an ELF that its record does not fit" in flip.wrong
    assert not flip.refused


def test_a_judge_that_says_exact_of_what_was_recorded_anew_is_a_survivor(
    given: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = a_flip(given, "nj_op0_weights", Reach.READ)
    assert judge(given, case).outcome == "DIFFERENT"

    def recorded(elf: Path) -> None:
        write_record(elf)
        monkeypatch.setattr(flips, "prove", blind(given))

    monkeypatch.setattr(flips, "write_record", recorded)
    flip = judge(given, case)
    assert (flip.refused, flip.outcome, flip.survived) == (True, "EXACT", True)
    tally = FlipTally()
    tally.take(flip)
    assert "nj_op0_weights" in tally.explanations()[0]


def test_a_record_that_is_not_looked_at_is_found(
    given: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.compare.prepare.check_recorded", lambda elf: "")
    flip = judge(given, a_flip(given, "nj_op0_weights", Reach.READ))
    assert "prepare takes an ELF that its record does not fit" in flip.wrong


def test_a_difference_from_a_byte_that_nothing_reads_is_found(given: Target) -> None:
    """As it would come from a measurement of coverage that misses something."""
    case = a_flip(given, "nj_op0_weights", Reach.READ)
    layout = given.layout
    unseen = Layout(given.project.elf, layout._image, np.zeros_like(layout._reached))
    flip = judge(replace(given, layout=unseen), case)
    assert flip.wrong == "DIFFERENT where only EXACT is right"
    tally = FlipTally()
    tally.take(flip)
    assert tally.as_json()["deviations"] == 1


def test_a_weight_that_ends_the_board_is_found(
    given: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values cannot make firmware fault: if one did, a buffer would have been left."""
    monkeypatch.setattr(flips, "_outcome", lambda *_: ("FIRMWARE", "a fault"))
    flip: Flip = judge(given, a_flip(given, "nj_op0_weights", Reach.READ))
    assert flip.wrong == "FIRMWARE where only DIFFERENT or EXACT is right"

"""Every row of the fault table, once; and what is no row's ending is found."""

import json
from dataclasses import replace
from functools import partial

import pytest

from host.cli import run
from host.errors import BadInput
from host.exit_codes import Exit
from host.link.testing_firmware import can_build
from host.selftest.faults import page
from host.selftest.faults.campaign import as_json, campaign
from host.selftest.faults.row import Injection, Row
from host.selftest.faults.scene import Scene, scene
from host.selftest.faults.seen import Seen
from host.selftest.faults.table import ROWS, chosen, lacking

ONE = ROWS[0].injections[0]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not can_build("native"), reason="gcc is not installed")
def test_every_row_comes_out_as_it_says() -> None:
    with scene() as made:
        made.ready()
        found = campaign(made, ROWS, count=1, seed=7)
    figures = as_json(found)
    assert figures["deviating"] == []
    assert figures["passed_wrongly"] == 0
    for one in found:
        assert one.injected == 1 or one.skipped, one.line
    there = {one.row for one in found if not one.skipped}
    wanted = {row.name for row in ROWS if any(not lacking(i.tier) for i in row.injections)}
    assert there == wanted


def test_the_table_has_a_name_for_each_of_its_rows() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) == 21
    assert chosen(()) == ROWS
    assert [row.name for row in chosen(("probe", "baud"))] == ["baud", "probe"]
    with pytest.raises(BadInput, match=r"Did you mean") as caught:
        chosen(("brownout",))
    assert "--rows brownout" in caught.value.evidence


def test_a_row_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["selftest", "faults", "--rows", "bauds"]) == Exit.INPUT
    assert "baud" in capsys.readouterr().err


def gives(scene: Scene, number: int, *, seen: Seen) -> Seen:
    return seen


@pytest.mark.parametrize(
    ("seen", "passed", "says"),
    [
        (Seen(Exit.OK, "EXACT"), 1, "0 OK instead of 14 LINK"),
        (Seen(Exit.FLAKY, "at attempt 2"), 1, "17 FLAKY instead of 14 LINK"),
        (Seen(Exit.BOARD, "gone"), 0, "11 BOARD instead of 14 LINK"),
        (Seen(Exit.LINK, "it was bad"), 0, "it does not say 412 bytes"),
        (Seen(Exit.OK, "EXACT", struck=False), 0, "the fault never came about in 1"),
        (Seen(Exit.LINK, "412 bytes", struck=False), 0, "14 LINK instead of 0 OK, though"),
        (None, 0, "it raised Traceback"),
    ],
)
def test_what_is_not_as_the_row_says_is_a_deviation(
    monkeypatch: pytest.MonkeyPatch, seen: Seen | None, passed: int, says: str
) -> None:
    monkeypatch.setattr("host.selftest.faults.campaign.lacking", lambda tier: "")

    def act(scene: Scene, number: int) -> Seen:
        if seen is None:
            raise OSError("the tester's own")
        return seen

    injection = Injection("it", "native", Exit.LINK, ("412 bytes",), act)
    found = campaign(None, [Row("it", "It", "words", (injection,))], 1, 5)  # type: ignore[arg-type]
    figures = as_json(found)
    assert figures["deviations"] == 1
    assert figures["passed_wrongly"] == passed
    assert says in figures["deviating"][0]
    assert "nightjar selftest faults --rows it" in figures["deviating"][0]


def test_wrong_firmware_that_passes_is_found_where_its_link_was_not_struck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("host.selftest.faults.campaign.lacking", lambda tier: "")
    told = (Seen(Exit.FIRMWARE, "layer 2"), Seen(Exit.OK, "EXACT", struck=False))
    flipped = Injection(
        "it", "native", Exit.FIRMWARE, ("layer 2",), lambda scene, number: told[number]
    )
    (figures,) = campaign(None, [Row("it", "It", "words", (flipped,))], 2, 0)  # type: ignore[arg-type]
    assert (figures.injected, figures.passed_wrongly) == (1, 1)
    assert "0 OK instead of 19 FIRMWARE" in figures.wrong[0]


def test_dear_ones_are_injected_a_tenth_as_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.selftest.faults.campaign.lacking", lambda tier: "")
    cheap = Injection("it", "native", Exit.OK, (), partial(gives, seen=Seen(0, "")))
    row = Row("it", "It", "words", (cheap, replace(cheap, dear=True)))
    found = campaign(None, [row], 30, 1)  # type: ignore[arg-type]
    assert [one.injected for one in found] == [30, 3]


def test_a_tier_that_lacks_is_told_and_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.selftest.faults.campaign.lacking", lambda tier: "no board")
    (figures,) = campaign(None, [Row("it", "It", "words", (ONE,))], 3, 1)  # type: ignore[arg-type]
    assert (figures.tried, figures.skipped) == (0, "no board")
    with pytest.raises(ValueError, match=r"none of .*it"):
        page.text({**as_json([figures]), "count": 1, "seed": 1})


@pytest.mark.skipif(not page.DATA.is_file(), reason="nobody has run it")
def test_the_page_is_what_came_out() -> None:
    """`python -m host.selftest.faults.page > docs/faults.md` mends it."""
    data = json.loads(page.DATA.read_text(encoding="utf-8"))
    assert page.DATA.with_suffix(".md").read_text(encoding="utf-8") == page.text(data)
    assert (data["deviations"], data["passed_wrongly"]) == (0, 0)

"""The table of agreement holds what QAT promises; members are those of the family."""

from dataclasses import replace
from pathlib import Path

from model_gen.evaluation.qat.members import MEMBERS, Agreed, Job, options_for
from model_gen.training.presets import preset

PAGE = Path(__file__).parents[3] / "docs" / "qat-agreement.md"


def test_cells_are_shares() -> None:
    agreed = Agreed(1, 800, 1_000_000, 100, 1, 0.9975, 0.998, 3, 0.9, 0.125, 0.98765, 0.98712)
    assert agreed.cells() == (
        *("1", "99.9900%", "99.9999%", "800", "99.75%", "99.80%", "3", "90.0%"),
        *("0.125", "0.9877", "0.9871"),
    )
    assert replace(agreed, unequal=0).cells()[1] == "100.0000%"


def test_members_differ_by_frontend_and_blocks() -> None:
    options = [options_for(Job(member, "d"), Path("out"))[0] for member in MEMBERS]
    assert {o.epochs for o in options} == {preset("release")["epochs"]}
    assert {(o.audio_frontend, o.inverted_residual, o.se) for o in options} == {
        (frontend, wide, wide) for frontend in ("hybrid", "raw", "mfcc") for wide in (False, True)
    }


def test_every_member_agrees_as_promised() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    rows = {cells[0]: cells[1:] for line in lines[1:] if (cells := line.strip("| ").split(" | "))}
    assert list(rows) == list(MEMBERS)
    for _, _, within, _, top, alone, _, _, _, simulated, converted in rows.values():
        assert float(within[:-1]) >= 99.9
        assert min(float(top[:-1]), float(alone[:-1])) >= 99.5
        assert abs(float(simulated) - float(converted)) <= 0.002

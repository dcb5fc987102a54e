"""Who runs firmware of which kind."""

import pytest

from host.boards import KINDS
from host.boards.kinds import SILICON
from host.boards.tiers import TIERS, require_runs, tier_of
from host.errors import BadInput
from model_gen.codegen.project.ports import boards


def test_every_kind_has_a_tier_and_every_tier_a_kind() -> None:
    assert {kind for tier in TIERS.values() for kind in tier.runs} == set(boards())
    assert set(KINDS) | set(SILICON) == set(TIERS)


def test_what_is_built_where_a_model_is_given() -> None:
    built = {name: tier.runs[0] for name, tier in TIERS.items()}
    assert built.pop("n6-virtual") == "stm32n6570-dk"
    assert all(name == kind for name, kind in built.items())


@pytest.mark.parametrize("name", SILICON)
def test_a_virtual_board_runs_what_silicon_runs_and_counts_no_cycles(name: str) -> None:
    require_runs("n6-virtual", name)
    require_runs(name, name)
    assert (TIERS[name].unit, TIERS[name].counted) == ("cycles", "cycles")
    assert (TIERS["n6-virtual"].unit, TIERS["n6-virtual"].counted) == ("cycles", "instructions")


@pytest.mark.parametrize(
    ("tier", "kind", "next_step"),
    [
        ("n6-virtual", "virtual", "generate it for stm32n6570-dk, or use --board virtual"),
        ("virtual", "stm32n6570-dk", "generate it for virtual, or use --board n6-virtual"),
        (
            "stm32n6570-dk",
            "nucleo-n657x0-q",
            "generate it for stm32n6570-dk, or use --board n6-virtual",
        ),
        ("native", "other", "generate it for native"),
    ],
)
def test_firmware_of_another_kind_is_refused(tier: str, kind: str, next_step: str) -> None:
    with pytest.raises(BadInput, match="generated for another board") as caught:
        require_runs(tier, kind)
    assert caught.value.next_step == next_step


def test_what_is_no_tier_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadInput, match="Did you mean n6-virtual"):
        tier_of("n6-virtaul")

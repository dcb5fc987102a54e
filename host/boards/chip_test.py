"""A virtual chip is known by its unique id, whatever the firmware claims."""

from dataclasses import replace

import pytest

from host.boards.chip import as_run_by, check_chip
from host.boards.kinds import SILICON
from host.boards.tiers import TIERS, tier_of
from host.errors import IdentityFailure
from host.link.identity_test import HELLO
from host.link.messages import Hello

VIRTUAL = b"NIGHTJAR-VM7"
REAL = bytes(range(12))


def said(uid: bytes, unit: str) -> Hello:
    return replace(HELLO, cost_unit=unit, uid=uid)


@pytest.mark.parametrize("name", SILICON)
def test_a_virtual_chip_is_refused_as_silicon(name: str) -> None:
    with pytest.raises(IdentityFailure, match=f"a virtual chip answered, and not {name}") as caught:
        as_run_by(tier_of(name), said(VIRTUAL, "cycles"))
    assert VIRTUAL.hex() in caught.value.evidence
    assert as_run_by(tier_of(name), said(REAL, "cycles")).cost_unit == "cycles"


@pytest.mark.parametrize("uid", [REAL, b"", b"NIGHTJAR-V", b"nightjar-vm0"])
def test_anything_else_is_refused_as_the_virtual_chip(uid: bytes) -> None:
    with pytest.raises(IdentityFailure, match="not one of n6-virtual's"):
        as_run_by(tier_of("n6-virtual"), said(uid, "cycles"))


@pytest.mark.parametrize("name", SILICON)
def test_silicon_says_who_it_is(name: str) -> None:
    with pytest.raises(IdentityFailure) as caught:
        check_chip(tier_of(name), b"")
    assert "is empty" in caught.value.evidence


def test_a_virtual_chip_counts_instructions_whatever_its_firmware_calls_them() -> None:
    assert as_run_by(tier_of("n6-virtual"), said(VIRTUAL, "cycles")).cost_unit == "instructions"


@pytest.mark.parametrize("name", TIERS)
def test_a_virtual_chip_is_of_one_tier(name: str) -> None:
    if name == "n6-virtual":
        check_chip(tier_of(name), VIRTUAL)
        return
    with pytest.raises(IdentityFailure, match="a virtual chip answered"):
        check_chip(tier_of(name), VIRTUAL)


@pytest.mark.parametrize("name", ["native", "virtual"])
def test_what_is_no_chip_has_no_id(name: str) -> None:
    check_chip(tier_of(name), b"")

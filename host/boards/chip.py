"""Which chip answered: a virtual one says so by its unique id, and is never taken for silicon."""

from dataclasses import replace

from host.boards.kinds import SILICON, VIRTUAL_N6, VIRTUAL_UID
from host.boards.tiers import Tier
from host.errors import IdentityFailure
from host.link.identity import check_unit
from host.link.messages import Hello


def as_run_by(tier: Tier, hello: Hello) -> Hello:
    """HELLO as it counts on a tier: its unit is the tier's, whatever the firmware calls it.

    Raises:
        IdentityFailure: the firmware counts something else than its kind of board, or another kind of
            chip answered than the tier has.
    """
    check_unit(hello, tier.unit)
    check_chip(tier, hello.uid)
    return replace(hello, cost_unit=tier.counted)


def check_chip(tier: Tier, uid: bytes) -> None:
    """Refuse a virtual chip where silicon was asked for, and anything else where a virtual chip was.

    Args:
        uid: the unique id that HELLO says, empty where there is none.

    Raises:
        IdentityFailure: the id is not one of this tier's.
    """
    virtual = uid.startswith(VIRTUAL_UID)
    if virtual == (tier.name == VIRTUAL_N6) and (uid or tier.name not in SILICON):
        return
    raise IdentityFailure(
        f"a virtual chip answered, and not {tier.name}"
        if virtual
        else f"the chip that answered is not one of {tier.name}'s",
        evidence=f"its unique id is {uid.hex() or 'empty'}; a virtual chip's begins with"
        f" {VIRTUAL_UID.hex()} ({VIRTUAL_UID.decode()})",
        next_step=f"use --board {VIRTUAL_N6}" if virtual else "see which board is connected",
    )


def check_uid(name: str, wanted: str | None, uid: bytes, *, untouched: bool = False) -> None:
    """Refuse a chip that is not the one which the bench calls `name`.

    Args:
        wanted: the bench's unique id, 24 hex digits; None: any.
        uid: the one that HELLO or a debugger says.
        untouched: whether nothing was written to it, which is then said.

    Raises:
        IdentityFailure: they differ.
    """
    if wanted is not None and uid.hex() != wanted:
        raise IdentityFailure(
            f"another board answers than the bench calls {name}"
            + (": nothing was written" if untouched else ""),
            evidence=f"its unique id is {uid.hex() or 'not said'}, and the bench says {wanted}",
            next_step="see which board is connected there, or mend uid in bench.toml",
        )

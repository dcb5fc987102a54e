"""Tiers: who runs firmware. The kind of an ELF is the board that it was generated for, which may be another."""

from dataclasses import dataclass

from host.boards.kinds import DK, NUCLEO, VIRTUAL_N6
from host.errors import BadInput
from host.nearest import did_you_mean


@dataclass(frozen=True)
class Tier:
    """Who runs firmware, and of what kinds.

    Attributes:
        name: what `--board` takes, and a verdict's `tier`.
        runs: the kinds of board whose ELF it runs; the first is built where only a model is given.
        unit: what the HELLO of such an ELF says that it counts: "instructions", "cycles" or "none".
        counted: what that is here: nobody who emulates a processor knows how long a cycle takes.
    """

    name: str
    runs: tuple[str, ...]
    unit: str
    counted: str

    @property
    def counts(self) -> bool:
        """Whether it counts what a run costs."""
        return self.unit != "none"


TIERS = {
    tier.name: tier
    for tier in (
        Tier("virtual", ("virtual",), "instructions", "instructions"),
        Tier("native", ("native",), "none", "none"),
        Tier(VIRTUAL_N6, (DK.name, NUCLEO.name), "cycles", "instructions"),
        Tier(DK.name, (DK.name,), "cycles", "cycles"),
        Tier(NUCLEO.name, (NUCLEO.name,), "cycles", "cycles"),
    )
}

# Those that run on this computer -> module and class: start(private), attach(record) -> Board; keep(folder, hold) ->
# Record.
KINDS = {
    "virtual": ("host.boards.virtual", "VirtualBoard"),
    "native": ("host.boards.native", "NativeBoard"),
    "n6-virtual": ("host.boards.n6_virtual", "N6VirtualBoard"),
}


def tier_of(name: str) -> Tier:
    """The tier of that name.

    Raises:
        BadInput: there is none; the nearest is named.
    """
    if name not in TIERS:
        raise BadInput(
            f"the known boards are {', '.join(TIERS)}.{did_you_mean(name, TIERS)}",
            evidence=f"Received: {name!r}",
            next_step="choose one of them with --board",
        )
    return TIERS[name]


def require_runs(name: str, kind: str) -> None:
    """Refuse firmware of a kind of board that a tier does not run.

    Raises:
        BadInput: naming a tier that does; or there is no such tier.
    """
    if kind in tier_of(name).runs:
        return
    fitting = [tier.name for tier in TIERS.values() if kind in tier.runs]
    raise BadInput(
        "the firmware was generated for another board",
        evidence=f"Received: --board {name}, a project for {kind}",
        next_step=f"generate it for {tier_of(name).runs[0]}"
        + (f", or use --board {fitting[0]}" if fitting else ""),
    )

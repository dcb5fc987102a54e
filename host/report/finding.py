"""When a difference on silicon is a finding about the chip, and not about its firmware."""

from host.boards.kinds import SILICON

# Beginnings of causes that are the firmware's own: its constants are others, or its canary is still there.
OTHER_CONSTANTS = "the constants in the ELF are not those of the network"
NEVER_WRITTEN = "no epoch has written it"
NOT_ALL_WRITTEN = "written in part"
_OF_FIRMWARE = (OTHER_CONSTANTS, NEVER_WRITTEN, NOT_ALL_WRITTEN)


def finding(tier: str, cause: str) -> str:
    """What to do with an epoch that differs from the executor on silicon; "" where that is no finding about the chip.

    `cause` is the likely one of the first difference.

    The firmware is the one that was linked, which was proved before anything was asked; its canary was overwritten, and
    its constants are the network's. What is left is the chip, or what the executor believes of it.
    """
    if tier not in SILICON or cause.startswith(_OF_FIRMWARE):
        return ""
    return (
        "a finding about the chip, if the same ELF is exact with `--board n6-virtual`: keep it with"
        " `--record FILE.njs`, which `nightjar replay --run-network FILE.njs` judges anywhere, and send us the file"
    )

"""Where the firmware of a board is: what a debugger sees when nothing comes over the link."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.constants import P_FLAGS
from elftools.elf.elffile import ELFFile

BETWEEN = 0.05  # seconds between two looks: a PC that is on its way is no hang


@dataclass(frozen=True)
class Whereabouts:
    """One look.

    `inside`: the PC lies in the code of the firmware. `waiting`: it waits for a request, and
    answers none.
    """

    pc: int
    place: str  # "file:line (function)", or the address where that is unknown
    inside: bool
    waiting: bool


def most_telling(looks: Sequence[Whereabouts]) -> Whereabouts | None:
    """One that waits, since what waits does not hang; else the last inside the code; or any."""
    for telling in (lambda look: look.waiting, lambda look: look.inside, lambda look: True):
        for look in reversed(looks):
            if telling(look):
                return look
    return None


def in_code(elf: Path, pc: int) -> bool:
    """Whether an address lies in an executable segment of an ELF."""
    with elf.open("rb") as stream:
        return any(
            segment["p_type"] == "PT_LOAD"
            and segment["p_flags"] & P_FLAGS.PF_X
            and segment["p_vaddr"] <= pc < segment["p_vaddr"] + segment["p_memsz"]
            for segment in ELFFile(stream).iter_segments()
        )

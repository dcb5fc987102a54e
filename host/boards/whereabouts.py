"""Where the firmware of a board is: what a debugger sees when nothing comes over the link."""

from collections.abc import Callable, Sequence
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


def of_looks(
    elf: Path, looks: Sequence[tuple[int, list[str]]], symbolize: Callable[[Path, int], str]
) -> Whereabouts | None:
    """Where a core is by what a debugger saw: each time its PC, and the functions under way, innermost first."""
    return most_telling(
        [
            Whereabouts(pc, symbolize(elf, pc), in_code(elf, pc), _waits(functions))
            for pc, functions in looks
        ]
    )


def _waits(functions: list[str]) -> bool:
    """Whether the loop that serves requests is the innermost function, or waits for the port.

    Innermost first.
    """
    outer = functions[functions.index("serve") :] if "serve" in functions else []
    inner = functions[: len(functions) - len(outer)]
    return bool(outer) and (not inner or inner[-1] in ("port_read", "port_idle"))

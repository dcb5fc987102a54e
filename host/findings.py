"""What the doctor says of one check, and of one tier."""

import subprocess
from dataclasses import dataclass

from host.boards.kinds import DK, NUCLEO, VIRTUAL_N6

BOARDS = (DK.name, NUCLEO.name)
TIERS = ("native", "virtual", VIRTUAL_N6, *BOARDS)
ON_TARGET = TIERS[1:]  # that run code for the Cortex-M55
_PATIENCE = 20.0  # seconds that a tool has for saying its version


@dataclass(frozen=True)
class Finding:
    """One check: OK, FAIL, or NOTE of what one may lack. Other than OK, it keeps its tiers from use.

    `remedy` is the command or the step that mends it.
    """

    name: str
    status: str
    detail: str
    remedy: str = ""
    tiers: tuple[str, ...] = TIERS  # that need it


@dataclass(frozen=True)
class Tier:
    """A tier of boards and what keeps it from being used."""

    name: str
    problems: tuple[str, ...]

    @property
    def ready(self) -> bool:
        return not self.problems


def output_of(command: list[str]) -> str | None:
    """What a tool prints; None where it does not run, or fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None

"""A row of the fault table, the injections that show it, and whether one of them came out as the row says."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from host.exit_codes import Exit, name_of
from host.selftest.faults.scene import Scene
from host.selftest.faults.seen import Seen


@dataclass(frozen=True)
class Injection:
    """One way to bring a fault about.

    Attributes:
        how: in words.
        tier: who runs the firmware.
        gives: the exit code that it must end with.
        says: patterns, each of which must be found in what is said.
        act: brings it about; told the number of the injection, which draws what is left to chance.
        dear: whether it costs seconds, and is done once where cheap ones are done often.
    """

    how: str
    tier: str
    gives: Exit
    says: tuple[str, ...]
    act: Callable[[Scene, int], Seen]
    dear: bool = False

    def wrong(self, seen: Seen) -> str:
        """What is not as it must be; "" where all is."""
        if seen.code != self._due(seen):
            got, due = (f"{int(code)} {name_of(code)}" for code in (seen.code, self._due(seen)))
            never = "" if seen.struck else ", though the fault never came about"
            return f"{got} instead of {due}{never}: {seen.text[-600:]}"
        if not seen.struck:
            return ""  # right firmware is right without a word of it
        lacking = [words for words in self.says if not re.search(words, seen.text, re.DOTALL)]
        return f"it does not say {' nor '.join(lacking)}: {seen.text[-600:]}" if lacking else ""

    def passed_wrongly(self, seen: Seen) -> bool:
        """Whether it was green, or green behind a repeat, where it must not be."""
        greens = (Exit.OK, Exit.FLAKY)
        return seen.code in greens and seen.code != self._due(seen)

    def _due(self, seen: Seen) -> Exit:
        """What it must end with. Wrong firmware is wrong, whether its link was struck or not; other is right then."""
        return self.gives if seen.struck or self.gives == Exit.FIRMWARE else Exit.OK


@dataclass(frozen=True)
class Row:
    """One fault. name: what `--rows` takes; fault and sees: as the table has them."""

    name: str
    fault: str
    sees: str
    injections: tuple[Injection, ...]

"""What a verdict says of an entry of the quarantine: whose fault it is, until when, and what was seen all the same."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quarantined:
    """An entry that holds for the session's model and board.

    Attributes:
        name, issue, expires, reason: of the entry; `expires` is the last day, `2026-12-31`.
        tests: how many of the session's tests it names; 0: it matches nothing.
        allowed: whether what it leaves out keeps the command from 0.
        differing: how many of the tensors that it names were seen to differ, though nobody judges them by it.
        passing: how many of its tests pass now; None but with `--quarantine-verify`, which asks them.
    """

    name: str
    issue: str
    expires: str
    reason: str
    tests: int
    allowed: bool
    differing: int = 0
    passing: int | None = None

    @property
    def line(self) -> str:
        """For people."""
        about = f"({self.issue}, until {self.expires}): {self.reason}"
        if not self.tests:
            return f"quarantine {self.name} matches no test of this session: remove it, or mend its `tests` {about}"
        if self.passing is not None:
            now = "take it out" if self.passing == self.tests else "it stays"
            return f"quarantine {self.name}: {self.passing} of {_tests(self.tests)} pass now, {now} {about}"
        text = f"quarantine {self.name}: {_tests(self.tests)} not judged"
        text += ", allowed" if self.allowed else ""
        text += f", {self.differing} SEEN TO DIFFER" if self.differing else ""
        return f"{text} {about}"


def _tests(count: int) -> str:
    return f"{count} test{'s' if count != 1 else ''}"

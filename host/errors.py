"""Failure classes of the project, each with its exit code.

An exception carries what happened, the evidence, and the next step. Only `FirmwareFailure` and `IdentityFailure`
are verdicts about the device under test; the others say that no verdict could be reached.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from host.exit_codes import Exit
from host.printable import printable


class NightjarError(Exception):
    """What happened, the evidence for it, and what to do next."""

    failure_class: ClassVar[str] = "HOST"
    exit_code: ClassVar[int] = Exit.HOST
    # Whether it is a verdict about the device, and so a failed test; the others are infrastructure.
    is_verdict: ClassVar[bool] = False

    def __init__(self, what: str, *, evidence: str = "", next_step: str = "") -> None:
        super().__init__(printable(what, keep="\n\t"))
        # They quote what others wrote: names in models, paths, messages of tools.
        self.what, self.evidence, self.next_step = (
            printable(text, keep="\n\t") for text in (what, evidence, next_step)
        )

    def __str__(self) -> str:
        lines = [f"{self.failure_class}: {self.what}"]
        if self.evidence:
            lines.append(f"  evidence: {self.evidence}")
        if self.next_step:
            lines.append(f"  next step: {self.next_step}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """The error as `nightjar/error/1`."""
        return {
            "schema": "nightjar/error/1",
            "class": self.failure_class,
            "exit_code": self.exit_code,
            "what": self.what,
            "evidence": self.evidence,
            "next_step": self.next_step,
        }


class FirmwareFailure(NightjarError):
    """The firmware computed something else, faulted, or hung."""

    failure_class = "FIRMWARE"
    exit_code = Exit.FIRMWARE
    is_verdict = True


class BadInput(NightjarError):
    """A file, option or data set that cannot be used as it is."""

    failure_class = "INPUT"
    exit_code = Exit.INPUT


class HostFailure(NightjarError):
    """The bench computer lacks a tool, a file or disk space."""

    failure_class = "HOST"
    exit_code = Exit.HOST


class BoardFailure(NightjarError):
    """The board is absent, does not boot, or rebooted by itself."""

    failure_class = "BOARD"
    exit_code = Exit.BOARD


class BoardLocked(BoardFailure):
    """Somebody else holds the board."""

    exit_code = Exit.LOCKED


class FlashFailure(NightjarError):
    """The firmware could not be written to the board."""

    failure_class = "FLASH"
    exit_code = Exit.FLASH


class LinkFailure(NightjarError):
    """The link lost or damaged more than its retries could mend before the deadline."""

    failure_class = "LINK"
    exit_code = Exit.LINK


class IdentityFailure(NightjarError):
    """The firmware, model or contract is not the one that was asked for."""

    failure_class = "IDENTITY"
    exit_code = Exit.IDENTITY
    is_verdict = True


class RegressionFailure(NightjarError):
    """Cost or footprint grew against the given baseline."""

    failure_class = "REGRESSION"
    exit_code = Exit.REGRESSION


class Incomplete(NightjarError):
    """Right as far as it went, but something that applies was not judged."""

    failure_class = "INCOMPLETE"
    exit_code = Exit.INCOMPLETE


class Defect(NightjarError):
    """A case that nightjar does not know. Never a verdict, and never the user's input."""

    failure_class = "DEFECT"
    exit_code = Exit.DEFECT


_KINDS = (
    FirmwareFailure,
    BadInput,
    HostFailure,
    BoardFailure,
    BoardLocked,
    FlashFailure,
    LinkFailure,
    IdentityFailure,
    RegressionFailure,
    Incomplete,
    Defect,
)


def from_json(raw: Mapping[str, Any]) -> NightjarError:
    """The error whose `as_json` is `raw`.

    Raises:
        KeyError: it is none.
    """
    kind = {kind.exit_code: kind for kind in _KINDS}[raw["exit_code"]]
    return kind(raw["what"], evidence=raw["evidence"], next_step=raw["next_step"])

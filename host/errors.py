"""Failure classes of the project, each with its exit code.

An exception carries what happened, the evidence, and the next step. Only `FirmwareFailure` and `IdentityFailure`
are verdicts about the device under test; the others say that no verdict could be reached.
"""

from typing import ClassVar


class NightjarError(Exception):
    """What happened, the evidence for it, and what to do next."""

    failure_class: ClassVar[str] = "HOST"
    exit_code: ClassVar[int] = 10

    def __init__(self, what: str, *, evidence: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.evidence = evidence
        self.next_step = next_step

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
    exit_code = 1


class BadInput(NightjarError):
    """A file, option or data set that cannot be used as it is."""

    failure_class = "INPUT"
    exit_code = 2


class HostFailure(NightjarError):
    """The bench computer lacks a tool, a file or disk space."""

    failure_class = "HOST"
    exit_code = 10


class BoardFailure(NightjarError):
    """The board is absent, does not boot, or rebooted by itself."""

    failure_class = "BOARD"
    exit_code = 11


class BoardLocked(BoardFailure):
    """Somebody else holds the board."""

    exit_code = 12


class FlashFailure(NightjarError):
    """The firmware could not be written to the board."""

    failure_class = "FLASH"
    exit_code = 13


class LinkFailure(NightjarError):
    """The link lost or damaged more than its retries could mend before the deadline."""

    failure_class = "LINK"
    exit_code = 14


class IdentityFailure(NightjarError):
    """The firmware, model or contract is not the one that was asked for."""

    failure_class = "IDENTITY"
    exit_code = 15


class RegressionFailure(NightjarError):
    """Cost or footprint grew against the given baseline."""

    failure_class = "REGRESSION"
    exit_code = 16

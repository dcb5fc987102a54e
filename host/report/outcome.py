"""The exit code of a whole session from the failures in it."""

from collections.abc import Iterable

from host.errors import FirmwareFailure, IdentityFailure, NightjarError


def is_verdict(error: NightjarError) -> bool:
    """Whether an error is a verdict about the device, and so a failed test; the others are infrastructure."""
    return isinstance(error, FirmwareFailure | IdentityFailure)


def exit_code(errors: Iterable[NightjarError]) -> int:
    """1 when any is FIRMWARE; else 15 when any is IDENTITY; else the first one's; 0 when there is none."""
    given = list(errors)
    for kind in (FirmwareFailure, IdentityFailure):
        if any(isinstance(error, kind) for error in given):
            return kind.exit_code
    return given[0].exit_code if given else 0

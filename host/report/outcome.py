"""The exit code of a whole session from the failures in it."""

from collections.abc import Iterable

from host.errors import FirmwareFailure, IdentityFailure, NightjarError


def is_verdict(error: NightjarError) -> bool:
    """Whether an error is a verdict about the device, and so a failed test; the others are infrastructure."""
    return isinstance(error, FirmwareFailure | IdentityFailure)


def deciding(errors: Iterable[NightjarError]) -> NightjarError | None:
    """The first FIRMWARE failure when there is any; else the first IDENTITY failure; else the first error."""
    given = list(errors)
    for kind in (FirmwareFailure, IdentityFailure, NightjarError):
        for error in given:
            if isinstance(error, kind):
                return error
    return None


def exit_code(errors: Iterable[NightjarError]) -> int:
    """That of the deciding error; 0 when there is none."""
    error = deciding(errors)
    return 0 if error is None else error.exit_code

"""Board and host must speak the same version of the link."""

from host.errors import IdentityFailure


def other_version(what: str, board: int, host: int) -> IdentityFailure:
    """The board's `what` ("link", "protocol") has version `board`, the host's has `host`."""
    older = "board" if board < host else "host"
    return IdentityFailure(
        f"board and host speak different versions of the {what}: the {older} is older",
        evidence=f"board {board}, host {host}",
        next_step="build and flash the firmware again with this version: `nightjar build`, `nightjar flash`"
        if older == "board"
        else "update nightjar on this computer: `pip install` its newer wheel, or `git pull`",
    )

"""The record that a build leaves of the ELF it linked, and the ELF held against it.

CMake writes it after each linking, in the form of `sha256sum -c`. An ELF that differs from it was
not linked so: a bit has rotted, or somebody has changed it.
"""

import re
from pathlib import Path

from host.errors import BadInput, HostFailure, IdentityFailure
from host.files import sha256_file, write_atomically
from host.reading import read_file

_LINE = re.compile(r"([0-9a-f]{64})  (.+)\n")
_LONGEST = 4096  # bytes of a record


def record_path(elf: Path) -> Path:
    """Where the record of `elf` lies: beside it."""
    return elf.with_name(f"{elf.name}.sha256")


def check_recorded(elf: Path) -> str:
    """Hold an ELF against its record. Returns its SHA-256 in lower-case hex.

    Raises:
        HostFailure: there is no ELF, or it cannot be read.
        IdentityFailure: its hash is not the recorded one, with both; or none is recorded.
    """
    record = record_path(elf)
    try:
        got = sha256_file(elf)
    except OSError as error:
        raise HostFailure(
            "the firmware's ELF cannot be read",
            evidence=f"Received: {elf}: {error.strerror}",
            next_step="build it with `nightjar build`",
        ) from error
    again = f"remove {elf.parent} and build again; generate it anew if it is of an earlier version"
    try:
        line = _LINE.fullmatch(read_file(record, "the record", _LONGEST).decode())
    except (BadInput, OSError, UnicodeDecodeError):
        line = None
    if line is None or line[2] != elf.name:
        raise IdentityFailure(
            "the hash of the firmware's ELF was not recorded: build again",
            evidence=f"{record} is missing, or no line as `sha256sum {elf.name}` prints it",
            next_step=again,
        )
    if line[1] != got:
        raise IdentityFailure(
            "the firmware's ELF is not the one that was linked",
            evidence=f"{elf} has the SHA-256 {got}, its build recorded {line[1]}",
            next_step=again,
        )
    return got


def write_record(elf: Path) -> None:
    """Record the ELF as it is now.

    For the tester alone, whose damage the tensors must find, not the record.
    """
    write_atomically(record_path(elf), f"{sha256_file(elf)}  {elf.name}\n".encode())

"""The exit codes of every command, each with its class, its meaning and what to do: the one table of them.

Only the standard library is used here: `python3 host/exit_codes.py` also serves the Makefile, before anything is
installed.

    python3 host/exit_codes.py FILE CODE    write `CODE CLASS` to FILE, say it, and end with CODE
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class Exit(IntEnum):
    """What a command ends with. Only what is complete and exact gives 0, only a verdict against the firmware 19."""

    OK = 0
    DEFECT = 1
    INPUT = 2
    HOST = 10
    BOARD = 11
    LOCKED = 12
    FLASH = 13
    LINK = 14
    IDENTITY = 15
    REGRESSION = 16
    FLAKY = 17
    INCOMPLETE = 18
    FIRMWARE = 19
    LINT = 20
    SIGHUP = 129
    SIGINT = 130
    SIGTERM = 143


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    code: Exit
    means: str
    remedy: str


# In the order in which one hides another: the first that holds is the code of the command. What stands in one group
# is no verdict, and the one that came first counts.
TABLE: tuple[tuple[Row, ...], ...] = (
    (
        Row(Exit.SIGINT, "interrupted by Ctrl-C", "nothing is left behind; run it again"),
        Row(Exit.SIGTERM, "ended by SIGTERM", "as 130"),
        Row(Exit.SIGHUP, "its terminal was closed", "as 130"),
    ),
    (
        Row(
            Exit.FIRMWARE,
            "it computed something else, faulted or hung",
            "open the report; the first tensor that differs is named, faults show file:line",
        ),
    ),
    (
        Row(
            Exit.IDENTITY,
            "other firmware, model or contract than asked for, or an ELF changed after its link",
            "`make firmware && make flash`",
        ),
    ),
    (
        Row(Exit.HOST, "a tool, a file, time or disk space is missing", "`nightjar doctor`"),
        Row(Exit.BOARD, "the board is absent, dead or rebooted", "`nightjar board status`"),
        Row(
            Exit.LOCKED,
            "the board is held by somebody else",
            "`--wait SECONDS`, or end that command",
        ),
        Row(
            Exit.FLASH, "the firmware could not be written", "see the tool's output in the message"
        ),
        Row(Exit.LINK, "more was lost than retries could mend", "cable, port, hub, speed"),
        Row(Exit.DEFECT, "a defect of nightjar or of Python; never a verdict", "report it"),
    ),
    (
        Row(
            Exit.INPUT,
            "bad usage or bad input",
            "the message says what was expected and what was received",
        ),
    ),
    (
        Row(
            Exit.REGRESSION,
            "cost or footprint grew against `--baseline FILE`, coverage lies below `--min-coverage`, or a layer of "
            "the NPU differs by more than its budget or `--max-steps`",
            "compare the two verdicts, or read the layer's cause",
        ),
    ),
    (
        Row(
            Exit.INCOMPLETE,
            "right as far as it went, but something that applies was not judged",
            "run it without filters, skips and -x",
        ),
    ),
    (
        Row(
            Exit.FLAKY, "right, but not at the first attempt", "look at the attempts in the verdict"
        ),
    ),
    (
        Row(
            Exit.LINT,
            "a network for the NPU has a finding that `--fail-on` asks about",
            "each finding says what to change, and what that would give",
        ),
    ),
    (
        Row(
            Exit.OK,
            "done; for `verify` and `hil`: complete and exact, but for what `--allow-quarantined` lets be missing",
            "",
        ),
    ),
)
# A class of errors has the name of its code, except that a board held by somebody else is a BOARD failure too.
CLASSES = {Exit.LOCKED: "BOARD"}


def name_of(code: int) -> str:
    """The class that a code stands for; UNKNOWN where it is none of ours, such as a tool's own.

    >>> name_of(19), name_of(12), name_of(77)
    ('FIRMWARE', 'BOARD', 'UNKNOWN')
    """
    known = next((exit_code for exit_code in Exit if exit_code == code), None)
    return "UNKNOWN" if known is None else CLASSES.get(known, known.name)


def first(codes: Iterable[int]) -> Exit:
    """The code that decides when several hold: by the table, and within its groups the one that came first.

    >>> first([2, 14, 11, 18]).name, first([14, 19]).name, first([]).name
    ('LINK', 'FIRMWARE', 'OK')
    """
    given = [Exit(code) for code in codes]
    for group in TABLE:
        of_group = {row.code for row in group}
        for code in given:
            if code in of_group:
                return code
    return Exit.OK


def markdown() -> str:
    """The table as the README shows it, in its order."""
    lines = ["| code | class | what it means | what to do |", "|---|---|---|---|"]
    lines += [
        f"| {row.code} | {name_of(row.code)} | {row.means} | {row.remedy} |" for row in _rows()
    ]
    return "\n".join(lines)


def plain() -> str:
    """The table for `--help`, one line a code."""
    return "\n".join(f"{row.code:>4} {name_of(row.code):11} {row.means}" for row in _rows())


def _rows() -> Sequence[Row]:
    return [row for group in TABLE for row in group]


def write_code(file: Path, code: int) -> str:
    """Write `CODE CLASS` to a file; the same as text."""
    line = f"{int(code)} {name_of(code)}"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(line + "\n")
    return line


def main(arguments: list[str]) -> None:
    """Write the code of a target to a file with its class, say it, and end with it.

    A step that SCons ran has left its own code there; SCons' own, 2, then says only that a step failed.
    """
    file, code = Path(arguments[0]), int(arguments[1])
    if code and file.is_file():
        code = int(file.read_text().split()[0])
    line = write_code(file, code)
    if code:
        print(f"exit code {line} ({file})", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])

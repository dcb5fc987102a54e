"""A file that keeps what was measured, a line of JSON each, whatever cuts the program off."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from host.errors import BadInput
from host.typed import typed

T = TypeVar("T")


def line_of(one: Any) -> str:
    """The line of a dataclass."""
    return json.dumps(asdict(one), sort_keys=True) + "\n"


def add_line(path: Path, one: Any) -> None:
    """Add a line, behind a whole one: a run that was killed may have left half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as stream:
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)
        stream.write(line_of(one).encode())


def read_lines(kind: type[T], path: Path, program: str) -> tuple[T, ...]:
    """What a file keeps; a last line that was cut off is left out, no file has none.

    Args:
        kind: the dataclass of every line.
        program: what writes such files, for people.

    Raises:
        BadInput: another line is of something else.
    """
    if not path.exists():
        return ()
    text = path.read_text(encoding="utf-8")
    lines = text[: text.rfind("\n") + 1].splitlines()
    return tuple(
        _read(kind, line, f"{path}, line {at}", program) for at, line in enumerate(lines, 1)
    )


def _read(kind: type[T], line: str, where: str, program: str) -> T:
    try:
        return typed(kind, json.loads(line))
    except ValueError as error:
        raise BadInput(
            f"expected a line of `{program}`",
            evidence=f"Received: {where}: {error}",
            next_step="give another file with --out",
        ) from error

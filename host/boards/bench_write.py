"""The text of a bench.toml, as `board scan` writes it; host.boards.bench_file reads it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from host.boards.bench_file import BenchBoard


def bench_text(
    boards: Sequence[BenchBoard], notes: Mapping[str, Sequence[str]] | None = None
) -> str:
    """The TOML of boards: what equals the default is left out.

    Args:
        boards: in the order of the text.
        notes: lines of comment for a board, by its name; they stand below the name of its table.
    """
    lines = ["# The boards of this bench. `nightjar board list` shows them."]
    for board in boards:
        lines += ["", f"[board.{board.name}]"]
        lines += [f"# {_one_line(note)}" for note in (notes or {}).get(board.name, ())]
        lines += _entries(board, "")
    return "\n".join(lines) + "\n"


def _entries(of: Any, prefix: str) -> Iterator[str]:
    for one in fields(of):
        value = getattr(of, one.name)
        if one.name == "name" or (one.default is not MISSING and value == one.default):
            continue
        if is_dataclass(value):
            yield from _entries(value, f"{one.name}.")
        else:
            yield f"{prefix}{one.name} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        # A basic string of TOML is one of JSON, but for DEL and for surrogate pairs.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)

"""Tables of annotated events: Raven's selection tables, Audacity's labels, CSV.

The kind is seen by content. Raven: tab-separated columns with names, among them "Begin Time (s)"
and "End Time (s)"; a selection is there once a view, and counts once. Audacity: tab-separated start,
end and label without names; lines that begin with a backslash give frequencies. CSV: columns with
names, separated by commas, semicolons or tabs, among them start and end. Times are seconds from the
recording's begin.
"""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from host.errors import BadInput
from model_gen.data.table_text import read_table_text
from model_gen.evaluation.events import Event

# What a column may be called, in lower case, the usual name first.
_START = ("start", "begin time (s)", "start (s)", "start_s", "start_time", "begin", "onset")
_END = ("end", "end time (s)", "end (s)", "end_s", "end_time", "offset")
_LABEL = ("label", "annotation", "species", "class", "common name", "common_name", "species code")
_SELECTION = "selection"  # Raven's number
_RAVEN = "begin time (s)"
_DELIMITERS = (",", ";", "\t")
LATEST = 1e7  # seconds; no recording is longer
_WANTED = (
    "give Raven's selection table, Audacity's exported labels, or CSV with the columns start, end "
    "and label; docs/evaluation.md describes them"
)


def read_annotations(path: Path) -> tuple[Event, ...]:
    """The events of a file, by their start.

    Raises:
        BadInput: it cannot be read, or as `parse`.
    """
    return parse(read_table_text(path), path)


def parse(text: str, source: Path) -> tuple[Event, ...]:
    """The events that a text holds; none in an empty one, as of a recording without any.

    Raises:
        BadInput: it is none of the three kinds, or a line makes no sense; the line is named.
    """
    text = text.removeprefix("\ufeff").rstrip("\x00\x1a")
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        return ()
    events = _audacity(text, source) if _is_audacity(first) else _columns(text, source)
    return tuple(sorted(events, key=lambda one: (one.start, one.end, one.label or "")))


def _is_audacity(first: str) -> bool:
    """Whether the first line is of numbers, not of names."""
    cells = first.split("\t")
    return len(cells) >= 2 and _number(cells[0]) is not None and _number(cells[1]) is not None


def _audacity(text: str, source: Path) -> list[Event]:
    events = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("\\"):
            continue
        cells = line.split("\t", 2)
        if len(cells) < 2:
            raise _wrong(source, number, f"{line[:80]!r}, without a tab")
        events.append(_event(cells[0], cells[1], cells[2] if cells[2:] else "", source, number))
    return events


def _columns(text: str, source: Path) -> list[Event]:
    heading = next(line for line in text.splitlines() if line.strip())
    delimiter = max(_DELIMITERS, key=heading.count)
    stream = io.StringIO(text, newline=None)
    rows = csv.reader(
        stream,
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL,  # Raven quotes nothing
        strict=True,
    )
    events: list[Event] = []
    seen: set[str] = set()
    places: tuple[int, int, int | None, int | None] | None = None
    raven, width = False, 0
    try:
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if places is None:
                names = [cell.strip().casefold() for cell in cells]
                places, raven = _places(names, source, rows.line_num), _RAVEN in names
                width = len(names)
                continue
            start, end, label, selection = places
            if selection is not None and raven and len(cells) > selection:
                if cells[selection] in seen:
                    continue
                if cells[selection].strip():
                    seen.add(cells[selection])
            # More cells than names: commas that stand for points would shift every column.
            more = delimiter == "," and any(cell.strip() for cell in cells[width:])
            if len(cells) <= max(start, end) or more:
                raise _wrong(source, rows.line_num, f"{len(cells)} cells under {width} names")
            name = cells[label] if label is not None and label < len(cells) else ""
            events.append(_event(cells[start], cells[end], name, source, rows.line_num))
    except csv.Error as error:
        raise _wrong(source, rows.line_num, str(error)) from error
    return events


def _places(
    names: Sequence[str], source: Path, line: int
) -> tuple[int, int, int | None, int | None]:
    """Columns of start, end, label and Raven's selection; the last two may be absent."""

    def place(known: Sequence[str]) -> int | None:
        found = [names.index(name) for name in known if name in names]
        return found[0] if found else None

    start, end = place(_START), place(_END)
    if start is None or end is None:
        raise BadInput(
            "a table of annotations must have columns for start and end in seconds",
            evidence=f"Received: {source}, line {line}: {', '.join(names)[:200]}",
            next_step=_WANTED,
        )
    return start, end, place(_LABEL), place((_SELECTION,))


def _event(start: str, end: str, label: str, source: Path, line: int) -> Event:
    begin, last = _number(start), _number(end)
    if begin is None or last is None or not 0 <= begin <= LATEST or not begin <= last <= LATEST:
        raise _wrong(source, line, f"from {start[:40]!r} to {end[:40]!r}")
    return Event(begin, last, label.strip() or None)


def _number(text: str) -> float | None:
    """A finite number; a comma may stand for the point, as some programs write it."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _wrong(source: Path, line: int, received: str) -> BadInput:
    return BadInput(
        "each line of annotations gives a start and a later end in seconds, and a label",
        evidence=f"Received: {source}, line {line}: {received}",
        next_step=_WANTED,
    )

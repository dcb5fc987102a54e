"""A table of recordings, as a spreadsheet writes it: split.csv, or the file of --labels.

Columns path, split, labels, recordist, in any order and case; others are ignored. UTF-8 with or
without a mark, UTF-16 or Latin-1; separated by commas, semicolons or tabs; paths relative to the
data folder, with slashes or backslashes.
"""

import csv
import difflib
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from host.errors import BadInput
from model_gen.data.table_text import read_table_text

SPLITS = ("train", "val", "test")
COLUMNS = ("path", "split", "labels", "recordist")
SEPARATOR = "|"  # between labels in a cell
_ALIASES = {"validation": "val", "valid": "val", "training": "train", "testing": "test"}
_DELIMITERS = (",", ";", "\t")
_NEAR = 0.8  # how like a column's name another is that was meant for it


@dataclass(frozen=True)
class Row:
    """One line of a table. split: "" where it says none. labels: None where it says none, () for a
    negative."""

    line: int
    path: str
    split: str = ""
    labels: tuple[str, ...] | None = None
    recordist: str = ""


@dataclass(frozen=True)
class Table:
    """The rows of a file, in its order."""

    source: Path
    rows: tuple[Row, ...]

    @property
    def splits(self) -> bool:
        """Whether it says a split of any recording."""
        return any(row.split for row in self.rows)

    def match(self, relatives: Iterable[str]) -> dict[str, Row]:
        """The row of each recording that has one. A path may differ in case, slashes and Unicode
        form.

        Raises:
            BadInput: a row fits several recordings, or two rows fit one; its line is named.
        """
        known = set(relatives)
        alike: dict[str, list[str]] = defaultdict(list)
        for relative in known:
            alike[plain(relative)].append(relative)
        found: dict[str, Row] = {}
        for row in self.rows:
            fitting = [row.path] if row.path in known else sorted(alike[plain(row.path)])
            if len(fitting) > 1:
                raise self.wrong(row.line, f"{row.path}, which may be {' or '.join(fitting)}")
            for relative in fitting:
                if relative in found:
                    first = found[relative].line
                    raise self.wrong(row.line, f"{row.path} again; it stands in line {first}, too")
                found[relative] = row
        return found

    def foreign(self, relatives: Iterable[str]) -> BadInput:
        """The error for a table of which no row is of a recording, with one path of each side."""
        known, row = sorted(relatives), self.rows[0]
        name = PurePosixPath(plain(row.path)).name
        alike = next((one for one in known if PurePosixPath(plain(one)).name == name), None)
        mend = "give the table of this data; its paths are relative to the data folder"
        if alike is not None:
            mend = f"paths are relative to the data folder: write {alike}, not {row.path}"
        return BadInput(
            "a table must name a recording that is there: none of its paths fits one",
            evidence=f"Received: {self.source}, line {row.line}: {row.path}; the folder has "
            f"{alike or (known or ['nothing'])[0]}",
            next_step=mend,
        )

    def wrong(self, line: int, received: str) -> BadInput:
        """The error for one line."""
        return _wrong(self.source, line, received)


def plain(path: str) -> str:
    """A path without what spreadsheets and file systems change: slashes, case, Unicode form."""
    path = unicodedata.normalize("NFC", path.replace("\\", "/"))
    return path.removeprefix("./").casefold()


def read_table(path: Path) -> Table:
    """Read a table, in whatever encoding a spreadsheet wrote it.

    Raises:
        BadInput: as `read_table_text` and `parse`.
    """
    return parse(read_table_text(path), path)


def parse(text: str, source: Path) -> Table:
    """The table that a text holds.

    Raises:
        BadInput: it is no CSV, lacks the column path and one more, names no recording, or a line
        makes no sense; the line is named.
    """
    stream = io.StringIO(text, newline=None)
    delimiter, before = _delimiter(stream)
    lines = csv.reader(stream, delimiter=delimiter, strict=True)
    rows = []
    try:
        names = next(lines, [])
        header = _header(names, before + 1, source)
        for cells in lines:
            line = before + lines.line_num
            if any(cell.strip() for cell in cells[len(names) :]):
                raise _wrong(source, line, f"{len(cells)} cells, for {len(names)} columns")
            if any(cell.strip() for cell in cells):
                rows.append(_row(cells, header, line, source))
    except csv.Error as error:
        raise BadInput(
            "a split file must be CSV",
            evidence=f"Received: {source}, line {before + lines.line_num}: {error}",
            next_step="look at its quotation marks; each that opens must close",
        ) from error
    if not rows:
        raise BadInput(
            "a split file names one recording in each line below the names of its columns",
            evidence=f"Received: {source}, which has no such line",
            next_step="add the recordings, or remove the file; without it folders say the labels",
        )
    return Table(source, tuple(rows))


def _delimiter(stream: io.StringIO) -> tuple[str, int]:
    """What separates the columns, and how many lines stand before their names: Excel may write
    `sep=;` there."""
    first = stream.readline()
    said = re.fullmatch(r"sep=(.)\n?", first, re.IGNORECASE)
    if said:
        return said[1], 1
    stream.seek(0)
    return max(_DELIMITERS, key=first.count), 0


def _header(cells: list[str], line: int, source: Path) -> Mapping[str, int]:
    """Column -> its place."""
    names = [cell.strip().casefold() for cell in cells]
    found = {name: names.index(name) for name in COLUMNS if name in names}
    twice = [name for name in found if names.count(name) > 1]
    absent = [column for column in COLUMNS if column not in found]
    meant = [(n, m) for n in names for m in difflib.get_close_matches(n, absent, 1, _NEAR)]
    if "path" not in found or len(found) < 2 or twice or meant:
        raise BadInput(
            f"a split file has the columns path and at least one of {', '.join(COLUMNS[1:])}, "
            f"each once",
            evidence=f"Received: {source}, line {line}: {', '.join(cells)[:300] or 'nothing'}",
            next_step=f"name the column {meant[0][1]}, not {meant[0][0]}"
            if meant
            else "name the columns in the first line",
        )
    return found


def _row(cells: list[str], header: Mapping[str, int], line: int, source: Path) -> Row:
    def cell(name: str) -> str | None:
        place = header.get(name)
        return cells[place].strip() if place is not None and place < len(cells) else None

    path = cell("path")
    if not path:
        raise _wrong(source, line, "no path")
    split = (cell("split") or "").casefold()
    split = _ALIASES.get(split, split)
    if split and split not in SPLITS:
        raise _wrong(source, line, f"the split {split!r} of {path}")
    labels = cell("labels")
    found = None if labels is None else tuple(sorted({s.strip() for s in labels.split(SEPARATOR)}))
    return Row(
        line=line,
        path=path,
        split=split,
        labels=None if found is None else tuple(label for label in found if label),
        recordist=cell("recordist") or "",
    )


def _wrong(source: Path, line: int, received: str) -> BadInput:
    return BadInput(
        "each line of a split file names one recording in the columns path, split "
        f"({', '.join(SPLITS)}), labels (separated by {SEPARATOR}) and recordist",
        evidence=f"Received: {source}, line {line}: {received}",
        next_step=f"mend line {line}; a cell with the separator in it stands in quotation marks",
    )

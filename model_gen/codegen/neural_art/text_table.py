"""Tables that programs print for people, read by their headers."""

import re
from collections.abc import Iterator, Mapping, Sequence

from host.errors import BadInput

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# As of Python's tqdm, which clears the line with as many blanks before anything else is printed.
_BAR = re.compile(r"(?:[A-Z]{1,12}: *)?\d{1,3}%\|[^|\r\n]{0,80}\| *\d+/\d+ \[[^\]\r\n]{0,80}\]")
_RULE = re.compile(r"-+(?: +-+)*")
_UNITS = {"B": 1, "kB": 1 << 10, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_SIZE = re.compile(r"(\d{1,12})(?:\.(\d{1,6}))? *([kKMG]?B)")


def lines_of(text: str) -> list[str]:
    """The lines of what a program printed, without colours and without the progress bar that runs through them.

    A bar returns to the start of its line, where something may have taken the return for a line's end, or lost it.
    """
    lines = []
    for line in re.split(r"\r?\n", _CONTROL.sub("", text)):
        parts = [_without_bars(part).rstrip() for part in line.split("\r")]
        shown = [part for part in parts if part]
        lines += shown if shown or _BAR.search(line) else [""]
    return lines


def _without_bars(line: str) -> str:
    kept, at = "", 0
    for bar in _BAR.finditer(line):
        kept += line[at : bar.start()]
        at = bar.end()
        blanks = len(line[at:]) - len(line[at:].lstrip(" "))
        at += min(blanks, len(bar[0]))
    return kept + line[at:]


def ruled(lines: Sequence[str], *wanted: str) -> Iterator[tuple[str, ...]]:
    """The rows of the first table with such columns, where a rule of dashes under the header says how wide they are.

    Args:
        lines: of the text.
        wanted: how the header of each column begins that is asked for.

    Yields:
        the cells of these columns, in this order; rules between rows are passed over. The table ends with the first
        line that is empty or does not keep to the columns.
    """
    for place, rule in enumerate(lines[1:]):
        if not _is_rule(rule):
            continue
        spans = [found.span() for found in re.finditer(r"-+", rule)]
        heads = [lines[place][first:end].strip() for first, end in spans]
        columns = [
            next((s for h, s in zip(heads, spans, strict=True) if h.startswith(w)), None)
            for w in wanted
        ]
        if None not in columns:
            yield from _rows(lines[place + 2 :], spans, [one for one in columns if one is not None])
            return


def _rows(
    lines: Sequence[str], spans: Sequence[tuple[int, int]], columns: Sequence[tuple[int, int]]
) -> Iterator[tuple[str, ...]]:
    for line in lines:
        if _is_rule(line):
            continue
        if not line.strip() or any(line[end : end + 1].strip() for _, end in spans):
            return
        yield tuple(line[first:end].strip() for first, end in columns)


def _is_rule(line: str) -> bool:
    return len(line) > 8 and " " in line.strip() and _RULE.fullmatch(line.strip()) is not None


def spaced(line: str) -> list[str]:
    """The cells of a line whose columns are two blanks or more apart; what stands in brackets is one cell."""
    joined = re.sub(r"\[[^\]]*\]", lambda found: " ".join(found[0].split()), line.strip())
    return re.split(r" {2,}", joined)


def under(header: str, row: str, what: str) -> Mapping[str, str]:
    """What stands in a row under each word of its header, both in columns two blanks or more apart.

    Raises:
        BadInput: they have not as many columns.
    """
    names, cells = spaced(header), spaced(row)
    if len(names) != len(cells):
        raise BadInput(
            f"{what} must have a cell under each of {', '.join(names)}",
            evidence=f"Received: {row.strip()[:120]!r}",
        )
    return dict(zip(names, cells, strict=True))


def size_of(text: str) -> tuple[int, float] | None:
    """(bytes, how far they may be off) of a size such as 46.875 kB, in units of 1024; None: it is none."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    unit = _UNITS[found[3]]
    digits = found[2] or ""
    value = int(found[1] + digits) * unit / 10 ** len(digits)
    return round(value), unit / 10 ** len(digits) / 2 if digits else 0.0

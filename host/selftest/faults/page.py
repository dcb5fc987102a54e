"""`python -m host.selftest.faults.page > docs/faults.md`: the page, from docs/faults.json."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from host.exit_codes import Exit, name_of
from host.installed import DOCS
from host.selftest.faults.campaign import Figures
from host.selftest.faults.table import ROWS

DATA = DOCS / "faults.json"
_HEAD = """# The fault table, executed

Made by `python -m host.selftest.faults.page > docs/faults.md` from docs/faults.json, which
`nightjar selftest faults --count {count} --seed {seed} --json docs/faults.json` writes; a test holds this page to it.

Each fault is brought about for real: the firmware's core compiled for this computer (`native`), the target code on a
Cortex-M55 (`virtual`), an STM32N6's own ELF on a virtual one (`n6-virtual`). None was brought about on silicon. What
comes of it must have the class and the exit code of its row, and the words that the row promises. `make test` does
each once; `--rows NAME` does one row.

{injected:,} injections: {deviations} came out otherwise than their row says, {passed_wrongly} passed wrongly. Seconds
are of processors, for all injections of a line; frames are those that hosts sent.
"""
_COLUMNS = ("injection", "tier", "injected", "comes to", "passed wrongly", "frames", "seconds")


def text(data: dict[str, Any]) -> str:
    """The page of what `selftest faults` wrote.

    Raises:
        ValueError: a row was left out, or could not be injected.
    """
    figures = [Figures(**raw) for raw in data["injections"]]
    lacking = [row.name for row in ROWS if not any(one.row == row.name for one in figures)]
    lacking += [f"{one.row} ({one.skipped})" for one in figures if one.skipped]
    if lacking:
        raise ValueError(f"the page has every row. Received: none of {', '.join(lacking)}")
    return _HEAD.format(**data) + "\n".join(_rows(figures)) + "\n"


def _rows(figures: list[Figures]) -> Iterator[str]:
    for row in ROWS:
        yield f"\n## {row.fault}\n"
        yield f"`{row.name}`. What a user sees: {row.sees}.\n"
        yield f"| {' | '.join(_COLUMNS)} |"
        yield "|" + "---|" * len(_COLUMNS)
        for one in figures:
            if one.row == row.name:
                yield f"| {' | '.join(_cells(one))} |"


def _cells(one: Figures) -> tuple[str, ...]:
    ends = ", ".join(_ending(int(code), times) for code, times in one.codes.items())
    counts = (f"{one.injected:,}", ends, str(one.passed_wrongly), f"{one.frames:,}")
    return one.how, one.tier, *counts, f"{one.seconds:.1f}"


def _ending(code: int, times: int) -> str:
    what = "right, mended" if code == Exit.OK else name_of(code)
    return f"{code} {what}: {times:,}"


if __name__ == "__main__":
    sys.stdout.write(text(json.loads(DATA.read_text(encoding="utf-8"))))

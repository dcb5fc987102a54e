"""The summary of a step on GitHub: what a run of the suite came to, as Markdown, behind what the step said before.

GITHUB_STEP_SUMMARY names the file; GitHub shows 1 MiB of it at most.
"""

import html
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from host.report.junit import CaseRecord, once

_SHOWN = 50  # failures; all of them stand in the JUnit file
_LONG = 300  # characters of a message


def step_summary(
    title: str, lines: Sequence[str], cases: Iterable[CaseRecord], properties: Mapping[str, str]
) -> str:
    """One run: a row of counts, the lines that the command says, and the tests that failed, the class first.

    `lines` are those of the verdict, or of the error where there is none; `properties` those of the JUnit file.
    """
    given = once(cases)
    counts = Counter(case.outcome for case in given)
    code, kind = properties.get("exit_code", ""), properties.get("class", "")
    row = [f"{code} {kind}", properties.get("tier", ""), properties.get("attempts", "1")]
    row += [str(counts[name]) for name in ("passed", "failed", "error", "skipped")]
    row += [f"{sum(case.seconds for case in given):.1f}"]
    said = "\n".join(html.escape(line) for line in lines)
    written = [
        f"### {_cell(title)}",
        "",
        _row(["exit code", "tier", "attempts", "passed", "failed", "errors", "skipped", "seconds"]),
        _row(["---"] * 8),
        _row(row),
        "",
        f"<pre>{said}</pre>",
        "",
    ]
    wrong = [case for case in given if case.outcome in ("failed", "error")]
    if wrong:
        written += [_row(["class", "test", "what"]), _row(["---"] * 3)]
        written += [_row([case.kind, case.name, case.message]) for case in wrong[:_SHOWN]]
        more = len(wrong) - _SHOWN
        written += [f"\nand {more} more, in the JUnit file", ""] if more > 0 else [""]
    return "\n".join(written) + "\n"


def append_summary(path: Path, text: str) -> None:
    """Add to the step's summary."""
    with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    """Text of one line that is no Markdown, whatever stands in it."""
    line = " ".join(text.split())
    line = line if len(line) <= _LONG else f"{line[:_LONG]}..."
    return "".join(f"&#{ord(c)};" if c in "\\`*_[]<>&|#~!$" else c for c in line)

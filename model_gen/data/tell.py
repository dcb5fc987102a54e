"""What a look found, in lines for people."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from model_gen.data.rules.scene import Finding
from model_gen.data.table import SPLITS
from model_gen.data.walk import Ignored

if TYPE_CHECKING:
    from model_gen.data.look import Look

_FEW = 3  # findings that are told of many


def findings(look: "Look", *, every: bool = False) -> Iterator[str]:
    """Lines about the findings, a rule after the other: a few of each, or `every` one."""
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in look.findings:
        by_rule[finding.rule.name].append(finding)
    for name, found in by_rule.items():
        rule = found[0].rule
        times = f", {len(found)} times" if len(found) > 1 else ""
        yield f"{rule.severity} {name}{times}: {rule.says}"
        shown = found if every else found[:_FEW]
        yield from (f"  {finding.where(every=every)}" for finding in shown)
        if len(found) > len(shown):
            yield f"  and {len(found) - len(shown)} more"
        yield f"  what to do: {rule.mend}"


def span(seconds: float) -> str:
    """A time of two digits in the unit that suits it.

    >>> span(45), span(100), span(8000), span(500000)
    ('45 seconds', '1.7 minutes', '2.2 hours', '5.8 days')
    """
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= length:
            return f"{seconds / length:.2g} {unit}"
    return f"{seconds:.2g} seconds"


def table(look: "Look") -> Iterator[str]:
    """Lines of a table: each class with its recordings, windows and minutes in each split."""
    payload = look.as_json()
    rows = [*payload["classes"], {"name": "(no class)", **payload["negative"]}]
    width = max(len(row["name"]) for row in rows)
    yield f"{'':<{width}}  " + "  ".join(
        f"{f'{what} ' + '/'.join(SPLITS):>28}" for what in ("recordings", "windows", "minutes")
    )
    for row in rows:
        cells = (
            "/".join(
                f"{value:.1f}" if what == "minutes" else str(value) for value in row[what].values()
            )
            for what in ("recordings", "windows", "minutes")
        )
        yield f"{row['name']:<{width}}  " + "  ".join(f"{cell:>28}" for cell in cells)


def ignored(found: Sequence[Ignored], *, every: bool = False) -> Iterator[str]:
    """Lines about what is ignored, a few or `every` one; what can be converted first."""
    ordered = sorted(found, key=lambda one: "ffmpeg" not in one.reason)
    shown = ordered if every else ordered[:_FEW]
    if found:
        yield f"ignored: {len(found)} files and folders"
    yield from (f"  {one.path}: {one.reason}" for one in shown)
    if len(found) > len(shown):
        yield f"  and {len(found) - len(shown)} more"

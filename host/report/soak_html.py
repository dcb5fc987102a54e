"""The progress of a soak as one self-contained HTML page, which loads itself anew while the soak goes on."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from host import __version__
from host.exit_codes import name_of
from host.report.html import Fact, environment
from host.report.svg import BAR, plot, svg_of
from host.results import write_result
from host.soak.log import Log, Stint

TEMPLATE = "soak.html.j2"
EVERY = 5  # seconds between two looks of who watches
_POINTS = 400  # of the plot, each the mean of as many sessions as are needed
_SHOWN = 50  # failures of the table


def write_soak_html(path: Path, log: Log, hours: float) -> None:
    """Write the page whole or not at all; `hours` are those that the soak is to take."""
    write_result(path, render(log, hours, datetime.now(UTC)).encode())


def render(log: Log, hours: float, now: datetime) -> str:
    """The page as text, as it is at `now`."""
    totals, goes_on = log.totals, not log.ended(hours)
    failed = [stint for stint in log.stints if stint.code]
    return (
        environment()
        .get_template(TEMPLATE)
        .render(
            log=log,
            totals=totals,
            version=__version__,
            state="different" if totals.wrong else "incomplete" if totals.lost else "exact",
            head=totals.headline if totals.stints else "the first session is being held",
            every=EVERY if goes_on else 0,
            when=now.isoformat(timespec="seconds").replace("+00:00", " UTC").replace("T", " "),
            share=min(100.0, 100 * totals.seconds / (3600 * hours)) if hours else 100.0,
            hours=hours,
            tiles=_tiles(log),
            curve=Markup(_curve(log.stints)) if len(log.stints) > 1 else "",
            failed=[(stint, name_of(stint.code)) for stint in failed[:_SHOWN]],
            more=max(0, len(failed) - _SHOWN),
            facts=list(_facts(log)),
        )
    )


def _tiles(log: Log) -> list[tuple[int, str]]:
    """(figure, what it is)."""
    totals = log.totals
    return [
        (totals.inferences, "inferences held against the reference"),
        (totals.tensors, "tensors compared"),
        (totals.wrong, "sessions wrong"),
        (totals.lost, "sessions lost"),
        (totals.retries, "requests sent again"),
        (totals.crc_errors, "damaged frames"),
    ]


def _curve(stints: Sequence[Stint]) -> str:
    """Inferences a second over the hours."""
    size = -(-len(stints) // _POINTS)
    x, y, before = [], [], 0.0
    for start in range(0, len(stints), size):
        some = stints[start : start + size]
        seconds = sum(stint.seconds for stint in some)
        x.append((before + seconds / 2) / 3600)
        y.append(sum(stint.inferences for stint in some) / seconds if seconds else 0.0)
        before += seconds
    with plot() as axes:
        axes.plot(x, y, color=BAR, linewidth=1.4)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("hours")
        axes.set_ylabel("inferences a second")
        return svg_of(axes, "rate", "Inferences a second over the hours")


def _facts(log: Log) -> Iterator[Fact]:
    subject = log.subject
    yield Fact("board", subject.board)
    yield Fact("model", subject.model_sha256, True)
    yield Fact("contract", subject.contract_sha256, True)
    yield Fact("ELF", subject.elf_sha256, True)
    yield Fact("rounding", subject.rounding)
    yield Fact(
        "a session",
        f"{subject.vectors} random vectors, seeds from {subject.seed} on; every question of the suite;"
        f" {subject.inferences} inferences on its link",
    )
    if log.stints:
        yield Fact("began", log.stints[0].began)

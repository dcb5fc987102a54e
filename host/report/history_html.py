"""The history as one HTML page: trends by layer, a comparison of any two runs, filter and search, in one file."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from host import __version__
from host.history.comparison import Change
from host.history.regressions import NOISE, Regression, Void, regressions
from host.history.run import Run
from host.printable import printable
from host.report.gates import COVERAGE, FOOTPRINT
from host.report.html import NARROW, environment
from host.results import write_result

TEMPLATE = "history.html.j2"
SHOWN = 12  # runs that became worse, and figures of each
_FIGURES = 3
# Members of a run that the page's script reads, in this order; the last four are places in lists of their own.
_MEMBERS = (
    "id",
    "recorded",
    "commit",
    "branch",
    "dirty",
    "state",
    "exit_code",
    "vectors",
    "build_id",
)
_NUMBERS = ("frontend", "model_cost", *FOOTPRINT, *COVERAGE)
_LISTED = ("series", "alike", "layers", "costs")


@dataclass(frozen=True)
class Row:
    """A run that became worse; `figures` are (what, before -> now, growth)."""

    before: int
    now: int
    commit: str
    series: str
    recorded: str
    figures: tuple[tuple[str, str, str], ...]
    more: int


class _Listed:
    """Values that many runs share, each once."""

    def __init__(self) -> None:
        self.places: dict[object, int] = {}

    def place(self, value: object) -> int:
        return self.places.setdefault(value, len(self.places))


def write_history_html(path: Path, runs: Sequence[Run], title: str) -> None:
    """Write the page whole or not at all."""
    write_result(path, render(runs, title).encode())


def render(runs: Sequence[Run], title: str) -> str:
    """The page as text; the same runs give the same page. `title` names the store."""
    found = list(regressions(runs))
    worse = [one for one in found if isinstance(one, Regression)]
    void = [one for one in found if isinstance(one, Void)]
    return (
        environment()
        .get_template(TEMPLATE)
        .render(
            title=title,
            version=__version__,
            head=_head(runs, worse),
            tiles=_tiles(runs, len(worse)),
            rows=[_row(one) for one in worse[: -SHOWN - 1 : -1]],
            worse=len(worse),
            void=_void(void),
            runs=len(runs),
            data=_data(runs),
        )
    )


def _head(runs: Sequence[Run], worse: Sequence[Regression]) -> str:
    if not runs:
        return "No run yet"
    last = runs[-1]
    if last.state != "Exact":
        return f"The last run is not exact: {last.state}"
    if worse and worse[-1].now is last:
        return "The last run became worse"
    return "The last run is exact, and nothing became worse"


def _tiles(runs: Sequence[Run], worse: int) -> list[tuple[str, str]]:
    """(figure, what it is)."""
    figures = (
        (len(runs), "runs"),
        (len({run.commit for run in runs if run.commit}), "commits"),
        (len({run.board for run in runs}), "boards"),
        (sum(run.state == "Different" for run in runs), "runs that differ from the host"),
        (worse, "runs that became worse"),
    )
    return [(_count(number), what) for number, what in figures]


def _row(one: Regression) -> Row:
    shown = one.changes[:_FIGURES]
    return Row(
        one.before.id,
        one.now.id,
        one.now.short,
        _series(one.now),
        one.now.recorded,
        tuple((change.name, _way(change), _growth(change)) for change in shown),
        len(one.changes) - len(shown),
    )


def _void(void: Sequence[Void]) -> str:
    """What is said of runs that nothing could be held against."""
    if not void:
        return ""
    last = void[-1]
    of = "; ".join(printable(one) for one in last.unlike)
    many = f"{_count(len(void))} runs were" if len(void) > 1 else "One run was"
    return f"{many} not held against the one before, for costs are void there; the last is run {last.now.id}: {of}."


def _way(change: Change) -> str:
    return f"{_figure(change.before)} → {_figure(change.now)}"


def _figure(value: float | None) -> str:
    return "-" if value is None else _count(value) if isinstance(value, int) else f"{value:.2f}"


def _growth(change: Change) -> str:
    return "" if change.percent is None else f"{change.percent:+.2f}{NARROW}%"


def _count(value: int) -> str:
    return f"{value:,}".replace(",", NARROW)


def _series(run: Run) -> str:
    return f"{run.model} on {run.board}, {run.backend}"


def _data(runs: Sequence[Run]) -> Markup:
    """What the script reads: JSON that can stand within a page. Costs are lists of JSON already, each written once."""
    listed = {name: _Listed() for name in _LISTED}
    rows = [
        [
            *(getattr(run, name) for name in _MEMBERS),
            *(_rounded(getattr(run, name)) for name in _NUMBERS),
            listed["series"].place((*run.series, run.unit)),
            listed["alike"].place((run.model_sha256, run.kind, run.compiler)),
            listed["layers"].place(run.layers),
            listed["costs"].place(run.costs),
        ]
        for run in runs
    ]
    whole = {
        "members": [*_MEMBERS, *_NUMBERS, *_LISTED],
        "series": [[printable(one) for one in series] for series in _strings(listed["series"])],
        "alike": [[printable(one) for one in alike] for alike in _strings(listed["alike"])],
        "layers": [
            [[index, op, printable(name)] for index, op, name in json.loads(str(layers))]
            for layers in listed["layers"].places
        ],
        "runs": rows,
        "noise": NOISE,
    }
    text = json.dumps(whole, separators=(",", ":"))
    costs = ",".join(map(str, listed["costs"].places))
    return Markup(f'{text[:-1]},"costs":[{costs}]}}'.replace("<", "\\u003c"))


def _strings(listed: _Listed) -> Iterable[tuple[str, ...]]:
    return [tuple(map(str, one)) for one in listed.places if isinstance(one, tuple)]


def _rounded(value: float | None) -> float | None:
    return round(value, 4) if isinstance(value, float) else value

"""An evaluation as one self-contained HTML page: nothing is loaded from anywhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from host import __version__
from host.report.evaluation_plots import confusions, plots
from host.report.html import NARROW, Fact, environment
from host.results import write_result
from model_gen.evaluation.bootstrap import Interval
from model_gen.evaluation.result import EvaluateResult

TEMPLATE = "evaluation.html.j2"
# Figures -> how the page calls them.
FIGURES = {
    "average_precision": "AP",
    "roc_auc": "ROC-AUC",
    "top1": "top-1",
    "top_k": "top-k",
    "average_precision_micro": "AP, micro",
    "roc_auc_micro": "ROC-AUC, micro",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "f1_micro": "F1, micro",
}
DIFFERENCE = ("difference", "from", "to", "draws above 0")
_TILES = ("average_precision", "roc_auc", "top1", "f1")


@dataclass(frozen=True)
class Cell:
    """A figure, its interval, and its name for narrow pages."""

    value: str
    interval: str
    name: str


@dataclass(frozen=True)
class Row:
    """A row of figures; `what` is its head, `more` stands below it."""

    what: str
    more: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Picture:
    """A plot with its caption."""

    caption: str
    svg: Markup


def write_evaluation_html(path: Path, result: EvaluateResult, *, title: str) -> None:
    """Write the page whole or not at all."""
    write_result(path, render(result, title=title).encode())


def render(result: EvaluateResult, *, title: str) -> str:
    """The page as text; the same result gives the same page."""
    names = _names(result)
    return (
        environment()
        .get_template(TEMPLATE)
        .render(
            result=result,
            title=title,
            version=__version__,
            kinds=[(name, f"--k{i}") for i, name in enumerate(result.kinds)],
            tiles=list(_tiles(result)),
            heads=list(names.values()),
            difference=DIFFERENCE,
            models=list(_models(result, names)),
            plots=[Picture(caption, Markup(svg)) for caption, svg in plots(result)],
            confusions=[Picture(caption, Markup(svg)) for caption, svg in confusions(result)],
            classes=[(name, list(_classes(result, name))) for name in result.kinds],
            differences=list(_differences(result, names)),
            facts=list(_facts(result)),
            alarms=list(_alarms(result)),
            events=list(_events(result)),
        )
    )


def _names(result: EvaluateResult) -> dict[str, str]:
    k = next(iter(result.kinds.values())).quality[result.pooling].k
    return {**FIGURES, "top_k": f"top-{k}"}


def _tiles(result: EvaluateResult) -> Iterator[tuple[str, str]]:
    """(figure, what it is) of every model, for the top of the page."""
    for name, kind in result.kinds.items():
        quality = kind.quality[result.pooling]
        for figure in _TILES[: 4 if len(result.kinds) == 1 else 2]:
            told = f"{name}: {'class-mean ' if figure != 'top1' else ''}{FIGURES[figure]}"
            between = _interval(quality.intervals[figure])
            yield _number(quality.figures[figure]), f"{told}, {between}" if between else told
    yield str(result.recordings), f"recordings, {result.negatives} of them negatives"
    yield str(result.chunks), "windows"


def _models(result: EvaluateResult, names: dict[str, str]) -> Iterator[Row]:
    for name, kind in result.kinds.items():
        for how, quality in kind.quality.items():
            cells = tuple(
                Cell(_number(quality.figures[f]), _interval(quality.intervals[f]), called)
                for f, called in names.items()
            )
            yield Row(name, f"{how} pooling", cells)


def _classes(result: EvaluateResult, kind: str) -> Iterator[Row]:
    quality = result.kinds[kind].quality[result.pooling]
    for i, label in enumerate(result.labels):
        values, intervals = quality.per_class[label], quality.class_intervals[label]
        count = int(result.wanted[:, i].sum())
        cells = [
            Cell(_number(values[f]), _interval(intervals[f]), FIGURES[f])
            for f in ("average_precision", "roc_auc", "precision", "recall", "f1")
        ]
        cells.append(Cell(_number(quality.thresholds[label]), "", "threshold"))
        yield Row(label, f"{count} recording{'s' if count != 1 else ''}", tuple(cells))


def _differences(result: EvaluateResult, names: dict[str, str]) -> Iterator[tuple[str, list[Row]]]:
    """(which models, a row for each figure)."""
    for (first, second), poolings in result.compared.items():
        rows = []
        for figure, called in names.items():
            apart = poolings[result.pooling][figure]
            if apart is not None:
                values = (apart.difference, apart.low, apart.high)
                cells = [
                    Cell(_signed(value), "", head)
                    for value, head in zip(values, DIFFERENCE, strict=False)
                ]
                cells.append(Cell(f"{100 * apart.above:.0f}{NARROW}%", "", DIFFERENCE[-1]))
                rows.append(Row(called, "", tuple(cells)))
        yield f"{first} less {second}", rows


def _alarms(result: EvaluateResult) -> Iterator[Fact]:
    for name, kind in result.kinds.items():
        found = kind.alarms
        folders = "; ".join(
            f"{folder} {_number(share)} of {count}"
            for folder, (count, share) in found.negatives.items()
        )
        yield Fact(
            name,
            f"rightly reported {_number(found.detection)}, falsely {_number(found.false_alarm)} of the "
            f"recordings of a class; {_number(found.hard_negative)} of the negatives alarm"
            + (f" ({folders})" if folders else ""),
        )


def _events(result: EvaluateResult) -> Iterator[Fact]:
    for name, kind in result.kinds.items():
        found = kind.events
        if found is not None:
            classes = ", ".join(
                f"{label} {_number(share)} of {count}"
                for label, (count, share) in found.per_class.items()
            )
            lost = f"; {found.unheard} more lie in no window" if found.unheard else ""
            yield Fact(
                name,
                f"{_number(found.micro)} {_interval(found.interval)} of {found.events} events in "
                f"{found.recordings} recordings, class mean {_number(found.macro)}: {classes}{lost}",
            )


def _facts(result: EvaluateResult) -> Iterator[Fact]:
    yield Fact(
        "recordings", f"the split {result.split}; {len(result.skipped)} could not be decoded"
    )
    if result.absent:
        yield Fact("without a recording", ", ".join(result.absent))
    for name, kind in result.kinds.items():
        yield Fact(name, kind.kernels)
    yield Fact("thresholds", result.thresholds_from)
    yield Fact(
        "intervals",
        f"95 %, percentiles of {result.draws} draws from {result.drawn_from}, seed {result.seed}",
    )
    for name, kind in result.kinds.items():
        cost = kind.latency
        if cost is not None:
            yield Fact(
                f"{name} on this computer",
                f"{cost.median_ms:.2f} ms a window in the median of {cost.windows}, "
                f"{cost.largest_ms:.2f} at most, of them {cost.frontend_ms:.2f} ms for the frontend; "
                f"the model's file {cost.model_bytes / 1024:.1f} KiB, the process at most "
                f"{cost.peak_bytes / 2**20:.0f} MiB",
            )
    if result.differing is not None:
        yield Fact(
            "board",
            "every score is the reference's"
            if not result.differing
            else f"{result.differing} scores DIFFER from the reference's",
        )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\u2212")


def _interval(between: Interval | None) -> str:
    """From percentile to percentile, in one piece."""
    if between is None:
        return ""
    return f"{between.low:.2f}{NARROW}to{NARROW}{between.high:.2f}"

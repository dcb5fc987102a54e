"""The plots of an evaluation, each a figure of its own."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from host.report.svg import BAR, INK, KINDS, SOFT, plot, svg_of
from host.report.verdict import short_name
from model_gen.evaluation.alarms import reports
from model_gen.evaluation.confusion import NONE
from model_gen.evaluation.curves import Curve, curves
from model_gen.evaluation.result import EvaluateResult, Kind

_LONGEST = 18  # characters of a label
_MOST = 50  # classes of one plot
_RATES = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)  # ticks of the DET curve's axes


def plots(result: EvaluateResult) -> Iterator[tuple[str, str]]:
    """(what it shows, for people; the figure as SVG)."""
    yield "Average precision of each class, 95 % intervals", _classes(result)
    if any(kind.curves for kind in result.kinds.values()):
        yield "Precision and recall, all classes in one; thin: each class", _pr(result)
        yield "ROC, likewise", _roc(result)
        yield "DET: both errors on normal deviates", _det(result)
    yield "Scores of right and wrong pairs of recording and class", _histogram(result)
    yield "The operational gate over one threshold for all classes", _gate(result)
    if any(kind.peaks is not None and len(kind.peaks.peak) for kind in result.kinds.values()):
        yield "Annotated events found, over the threshold", _events(result)


def confusions(result: EvaluateResult) -> Iterator[tuple[str, str]]:
    """(kind, its matrix as SVG), of as many classes as can be read."""
    if len(result.labels) > _MOST:
        return
    for i, (name, kind) in enumerate(result.kinds.items()):
        yield name, _confusion(result, kind, f"confusion{i}")


def _classes(result: EvaluateResult) -> str:
    kinds = {name: kind.quality[result.pooling] for name, kind in result.kinds.items()}
    first = next(iter(kinds.values()))

    def precision(label: str) -> float:
        value = first.per_class[label]["average_precision"]
        return -1.0 if value is None else value

    labels = sorted(result.labels, key=precision)[:_MOST]
    with plot(max(3.2, 0.8 + len(labels) * (0.16 + 0.1 * len(kinds)))) as axes:
        for i, (name, quality) in enumerate(kinds.items()):
            places = np.arange(len(labels)) - (i - (len(kinds) - 1) / 2) * 0.22
            values = [quality.per_class[label]["average_precision"] for label in labels]
            for place, label, value in zip(places, labels, values, strict=True):
                between = quality.class_intervals[label]["average_precision"]
                if value is not None and between is not None:
                    axes.plot(
                        [between.low, between.high], [place, place], color=KINDS[i], alpha=0.55
                    )
            known = [(v, p) for v, p in zip(values, places, strict=True) if v is not None]
            axes.plot(
                *(zip(*known, strict=True) if known else ((), ())),
                "o",
                color=KINDS[i],
                markersize=4,
                label=name,
            )
        axes.set_yticks(np.arange(len(labels)), [_name(label) for label in labels])
        axes.set_xlim(0, 1.02)
        axes.set_ylim(-0.7, len(labels) - 0.3)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("average precision")
        _legend(axes, result)
        return svg_of(axes, "classes", "Average precision of each class with intervals")


def _pr(result: EvaluateResult) -> str:
    with plot() as axes:
        _curves(axes, result, "pr")
        _unit(axes, "recall", "precision")
        _legend(axes, result)
        return svg_of(axes, "pr", "Precision over recall")


def _roc(result: EvaluateResult) -> str:
    with plot() as axes:
        axes.plot([0, 1], [0, 1], color=SOFT, linewidth=0.8, linestyle=":")
        _curves(axes, result, "roc")
        _unit(axes, "false positive rate", "true positive rate")
        _legend(axes, result)
        return svg_of(axes, "roc", "True positive rate over false positive rate")


def _det(result: EvaluateResult) -> str:
    from scipy.stats import norm

    with plot() as axes:
        for i, (name, kind) in enumerate(result.kinds.items()):
            if kind.curves is not None:
                det = kind.curves.det
                inside = (det.x > 0) & (det.x < 1) & (det.y > 0) & (det.y < 1)
                some = Curve(det.x[inside], det.y[inside])
                if len(some.x):
                    some = some.thinned()
                    axes.plot(
                        norm.ppf(some.x),
                        norm.ppf(some.y),
                        color=KINDS[i],
                        linewidth=1.8,
                        label=name,
                    )
        ticks, names = norm.ppf(_RATES), [f"{100 * rate:g}" for rate in _RATES]
        axes.set_xticks(ticks, names)
        axes.set_yticks(ticks, names)
        axes.set_xlim(ticks[0], ticks[-1])
        axes.set_ylim(ticks[0], ticks[-1])
        axes.set_xlabel("false positives, %")
        axes.set_ylabel("misses, %")
        _legend(axes, result)
        return svg_of(axes, "det", "Misses over false positives, on normal deviates")


def _histogram(result: EvaluateResult) -> str:
    kind = next(iter(result.kinds.values()))
    scores, wanted = kind.pooled[result.pooling], result.wanted > 0
    low, high = min(0.0, float(scores.min())), max(1.0, float(scores.max()))
    edges = np.linspace(low, high, 26)
    with plot() as axes:
        for of, colour, name in (
            (~wanted, SOFT, "absent"),
            (wanted, KINDS[0], "present"),
        ):
            shares, _ = np.histogram(scores[of], edges)
            axes.stairs(
                100 * shares / max(1, shares.sum()),
                edges,
                fill=True,
                color=colour,
                alpha=0.5,
                label=name,
            )
        axes.set_xlabel(f"score, {next(iter(result.kinds))}, {result.pooling} pooling")
        axes.set_ylabel("share, %")
        axes.set_xlim(low, high)
        axes.legend(loc="upper right")
        return svg_of(axes, "histogram", "Histograms of the scores of present and absent classes")


def _gate(result: EvaluateResult) -> str:
    grid = np.linspace(0, 1, 51)
    negative = np.asarray(~result.wanted.any(axis=1))
    with plot() as axes:
        for i, kind in enumerate(result.kinds.values()):
            rows = [_rates(result, kind, threshold, negative) for threshold in grid]
            for values, style in zip(zip(*rows, strict=True), ("-", "--", ":"), strict=True):
                axes.plot(grid, values, style, color=KINDS[i], linewidth=1.5)
        for style, name in (("-", "detection"), ("--", "false alarm"), (":", "negatives alarm")):
            axes.plot([], [], style, color=INK, label=name)
        _unit(axes, "threshold", "share of recordings")
        axes.legend(loc="best")
        return svg_of(axes, "gate", "Detections and false alarms over the threshold")


def _rates(
    result: EvaluateResult, kind: Kind, threshold: float, negative: npt.NDArray[np.bool_]
) -> tuple[float, float, float]:
    limits = np.full(len(result.labels), threshold)
    right, wrong, alarmed = reports(result.wanted, kind.pooled["max"], limits)
    classes = [column > 0 for column in result.wanted.T if column.any()]
    alarm = float(alarmed[negative].mean()) if negative.any() else float("nan")
    return (
        float(np.mean([right[own].mean() for own in classes])),
        float(np.mean([wrong[own].mean() for own in classes])),
        alarm,
    )


def _events(result: EvaluateResult) -> str:
    grid = np.linspace(0, 1, 101)
    with plot() as axes:
        for i, (name, kind) in enumerate(result.kinds.items()):
            if kind.peaks is not None and len(kind.peaks.peak):
                found = (kind.peaks.peak[:, None] >= grid).mean(axis=0)
                axes.plot(grid, found, color=KINDS[i], linewidth=1.8, label=name)
        _unit(axes, "threshold", "event recall")
        _legend(axes, result)
        return svg_of(axes, "events", "Event recall over the threshold")


def _confusion(result: EvaluateResult, kind: Kind, name: str) -> str:
    counts = kind.quality[result.pooling].confusion
    names = [*(_name(label) for label in result.labels), NONE]
    size = len(names)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    with plot(max(3.2, 1.2 + 0.22 * size)) as axes:
        from matplotlib.patches import Rectangle

        for row in range(size):
            for column in range(size):
                if counts[row, column]:
                    square = Rectangle(
                        (column - 0.5, row - 0.5),
                        1,
                        1,
                        color=BAR,
                        linewidth=0,
                        alpha=0.12 + 0.75 * float(shares[row, column]),
                    )
                    axes.add_patch(square)
                    if size <= 16:
                        axes.text(
                            column,
                            row,
                            str(counts[row, column]),
                            ha="center",
                            va="center",
                            fontsize=10,
                        )
        axes.set_xticks(range(size), names, rotation=90)
        axes.set_yticks(range(size), names)
        axes.set_xlim(-0.5, size - 0.5)
        axes.set_ylim(size - 0.5, -0.5)
        axes.grid(visible=False)
        axes.set_xlabel("reported")
        axes.set_ylabel("is")
        return svg_of(axes, name, "Recordings by what they are and what was reported")


def _curves(axes: Any, result: EvaluateResult, which: str) -> None:
    """The curve of each class, thin, and above them that of each model, over all classes in one."""
    for curve in _each(result, which):
        axes.plot(curve.x, curve.y, color=SOFT, alpha=0.3, linewidth=0.8)
    for i, (name, kind) in enumerate(result.kinds.items()):
        if kind.curves is not None:
            whole: Curve = getattr(kind.curves, which).thinned()
            axes.plot(whole.x, whole.y, color=KINDS[i], linewidth=1.8, label=name)


def _each(result: EvaluateResult, which: str) -> Iterator[Curve]:
    """The curve of each class by the first model."""
    scores = next(iter(result.kinds.values())).pooled[result.pooling]
    for wanted, own in list(zip(result.wanted.T, scores.T, strict=True))[:_MOST]:
        found = curves(wanted, own)
        if found is not None:
            curve: Curve = getattr(found, which)
            yield curve.thinned(101)


def _unit(axes: "object", x: str, y: str) -> None:
    """Both axes from 0 to 1."""
    axes.set(xlim=(0, 1.01), ylim=(0, 1.01), xlabel=x, ylabel=y)  # type: ignore[attr-defined]


def _legend(axes: "object", result: EvaluateResult) -> None:
    if len(result.kinds) > 1:
        axes.legend(loc="best")  # type: ignore[attr-defined]


def _name(label: str) -> str:
    return short_name(label, _LONGEST)


def colours(kinds: Sequence[str]) -> dict[str, str]:
    """Kind -> the page's variable of its colour."""
    return {kind: f"--k{i}" for i, kind in enumerate(kinds)}

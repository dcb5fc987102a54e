"""The result of an evaluation as text."""

from collections.abc import Iterator

from model_gen.evaluation.bootstrap import Interval
from model_gen.evaluation.result import EvaluateResult

# Figures of a row -> their heads.
_HEADS = {
    "roc_auc": "ROC-AUC",
    "average_precision": "AP",
    "top1": "top-1",
    "average_precision_micro": "AP micro",
    "roc_auc_micro": "AUC micro",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "top_k": "top-k",
}
_WIDEST = 9


def table(result: EvaluateResult) -> str:
    """Figures of each model and pooling, then classes, alarms, events and differences; "-" where
    undefined."""
    return "\n".join(
        [
            *_models(result),
            *_classes(result),
            *_alarms(result),
            *_events(result),
            *_differences(result),
            *_latency(result),
        ]
    )


def _models(result: EvaluateResult) -> Iterator[str]:
    k = next(iter(result.kinds.values())).quality[result.pooling].k
    yield f"{result.recordings} recordings, {result.chunks} chunks, {len(result.skipped)} skipped"
    heads = {**_HEADS, "top_k": f"top-{k}"}
    yield f"{'model':8}{'pooling':10}" + "".join(f"{h:>{_WIDEST + 1}}" for h in heads.values())
    for name, kind in result.kinds.items():
        for how, quality in kind.quality.items():
            cells = (_show(quality.figures[figure]) for figure in _HEADS)
            yield f"{name:8}{how:10}" + "".join(f"{cell:>{_WIDEST + 1}}" for cell in cells)
    yield f"thresholds: {result.thresholds_from}"
    yield (
        f"95 % intervals: {result.draws} draws from {result.drawn_from}, "
        f"seed {result.seed}, {result.pooling} pooling"
    )
    for name, kind in result.kinds.items():
        quality = kind.quality[result.pooling]
        told = (
            f"{head} {between(quality.intervals[figure])}"
            for figure, head in list(_HEADS.items())[:3]
        )
        yield f"{name:8}" + ", ".join(told)


def _classes(result: EvaluateResult) -> Iterator[str]:
    kinds = {name: kind.quality[result.pooling] for name, kind in result.kinds.items()}
    head = f"class ({result.pooling})"
    width = max(len(head), *map(len, result.labels)) + 2
    yield f"{head:{width}}{'recs':>6}" + "".join(f"{f'AP {k}':>27}{'F1':>8}" for k in kinds)
    for i, label in enumerate(result.labels):
        cells = ""
        for quality in kinds.values():
            row = quality.per_class[label]
            own = between(quality.class_intervals[label]["average_precision"])
            cells += f"{_show(row['average_precision']) + ' ' + own:>27}{_show(row['f1']):>8}"
        yield f"{label:{width}}{int(result.wanted[:, i].sum()):>6}{cells}"


def _alarms(result: EvaluateResult) -> Iterator[str]:
    for name, kind in result.kinds.items():
        found = kind.alarms
        folders = ", ".join(
            f"{folder} {share:.3f} of {count}" for folder, (count, share) in found.negatives.items()
        )
        yield (
            f"{name:8}gate: detection {_show(found.detection)}, false alarm "
            f"{_show(found.false_alarm)}, hard negatives that alarm {_show(found.hard_negative)}"
            + (f" ({folders})" if folders else "")
        )


def _events(result: EvaluateResult) -> Iterator[str]:
    for name, kind in result.kinds.items():
        found = kind.events
        if found is not None:
            lost = f", {found.unheard} more in no window" if found.unheard else ""
            yield (
                f"{name:8}events: recall {found.micro:.4f} {between(found.interval)} of "
                f"{found.events} in {found.recordings} recordings, class mean {found.macro:.4f}{lost}"
            )
        elif result.annotated is not None:
            yield f"{name:8}events: none of the annotated ones is in a window"


def _differences(result: EvaluateResult) -> Iterator[str]:
    for (first, second), poolings in result.compared.items():
        found = poolings[result.pooling]
        told = []
        for figure, head in list(_HEADS.items())[:3]:
            apart = found[figure]
            if apart is not None:
                told.append(f"{head} {apart.difference:+.4f} [{apart.low:+.4f}, {apart.high:+.4f}]")
        yield f"{first} - {second}: {', '.join(told) or '-'}"
    if result.differing is not None:
        state = "none differs" if not result.differing else f"{result.differing} DIFFER"
        yield f"scores of the board against the reference's: {state}"


def _latency(result: EvaluateResult) -> Iterator[str]:
    for name, kind in result.kinds.items():
        if kind.latency is not None:
            yield (
                f"{name:8}host: {kind.latency.median_ms:.2f} ms a window by {kind.kernels}, its "
                f"frontend {kind.latency.frontend_ms:.2f}; model {kind.latency.model_bytes:,} bytes"
            )


def between(interval: Interval | None) -> str:
    """An interval for people.

    >>> between(Interval(0.25, 0.75))
    '[0.250, 0.750]'
    """
    return "[-]" if interval is None else f"[{interval.low:.3f}, {interval.high:.3f}]"


def _show(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"

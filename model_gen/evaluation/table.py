"""The result of an evaluation as text."""

from model_gen.evaluation.run import EvaluateResult


def table(result: EvaluateResult) -> str:
    """Macro figures for each model and pooling, then the classes under log-mean-exp pooling; "-" where undefined."""
    kinds = list(result.metrics)
    lines = [
        f"{result.recordings} recordings, {result.chunks} chunks, {len(result.skipped)} skipped",
        f"{'model':8}{'pooling':10}{'ROC-AUC':>9}{'AP':>9}{'top-1':>9}",
    ]
    for kind in kinds:
        for how, m in result.metrics[kind].items():
            figures = (m.roc_auc, m.average_precision, m.top1)
            lines.append(f"{kind:8}{how:10}" + "".join(f"{_show(f):>9}" for f in figures))
    width = max(map(len, result.labels)) + 2
    lines.append(f"{'class (lme)':{width}}{'recs':>6}" + "".join(f"{f'AP {k}':>11}" for k in kinds))
    for label in result.labels:
        rows = [result.metrics[kind]["lme"].per_class[label] for kind in kinds]
        lines.append(
            f"{label:{width}}{rows[0]['recordings']:>6}"
            + "".join(f"{_show(row['average_precision']):>11}" for row in rows)
        )
    return "\n".join(lines)


def _show(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"

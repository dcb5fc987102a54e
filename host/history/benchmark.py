"""A run as the JSON of github-action-benchmark, its tool `customSmallerIsBetter`.

https://github.com/benchmark-action/github-action-benchmark#customsmallerisbetter-customsmallerisbetter: a list of
objects with `name`, `unit` and `value`, and an `extra` that its chart shows at a point.
"""

from host.history.run import Run
from host.report.gates import COVERAGE, FOOTPRINT


def benchmark(run: Run) -> list[dict[str, object]]:
    """Costs, layers, footprint, and what the vectors did not reach, for of that, too, less is better."""
    figures: list[tuple[str, str, float | None]] = []
    if run.unit != "none":
        figures += [("frontend", run.unit, run.frontend), ("model", run.unit, run.model_cost)]
        for (index, op, _), cost in zip(run.named, run.counted, strict=True):
            figures.append((f"layer {index} {op}", run.unit, cost))
    figures += [(name, "bytes", getattr(run, name)) for name in FOOTPRINT]
    for name in COVERAGE:
        share = getattr(run, name)
        figures.append((f"{name} not reached", "%", None if share is None else 100.0 - share))
    of = f"{run.model} on {run.board} ({run.backend})"
    extra = f"{run.state}, run {run.id}, commit {run.short}, {run.compiler}"
    return [
        {"name": f"{of}: {name}", "unit": unit, "value": value, "extra": extra}
        for name, unit, value in figures
        if value is not None
    ]

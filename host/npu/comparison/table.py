"""A comparison as lines for people."""

from collections.abc import Iterator

from host.npu.comparison.compare import Comparison
from host.npu.comparison.effect import Effect
from host.npu.comparison.payload import Report
from model_gen.codegen.tflite.graph import short_name


def lines(report: Report) -> Iterator[str]:
    """What is said to people."""
    found = report.comparison
    about = found.about
    yield (
        f"{report.subject}: NPU {about.kind}, dialect {about.dialect}, {about.tool}, "
        f"ties {about.rule}; {found.vectors} vectors ({report.inputs})"
    )
    yield f"  {about.statement}"
    yield f"  against {found.reference}"
    yield from table(found)
    for layer in found.observed:
        if layer.cause is not None and (layer.forced.more or layer.cause.is_fault):
            yield f"op {layer.op}, {layer.name}: {layer.cause.text}: {layer.cause.evidence}"
        if layer.copies:
            copies = ", ".join(layer.copies)
            yield f"op {layer.op}, {layer.name}: copies that hold something else: {copies}"
    reasons: dict[str, list[str]] = {}
    for layer in found.layers:
        if not layer.observed:
            reasons.setdefault(f"{layer.place.state}: {layer.place.reason}", []).append(
                str(layer.op)
            )
    for reason, ops in reasons.items():
        yield f"op {', '.join(ops)}  {reason}"
    if found.others:
        yield (
            f"{len(found.others)} tensors in memory that the model does not have, steps and copies "
            "of layers"
        )
    for effect in found.effects:
        yield from effect_lines(effect)
    doubts = dict.fromkeys(doubt for layer in found.layers for doubt in layer.inherited)
    yield from (f"not certain: {doubt}" for doubt in doubts)
    yield from budget_lines(report)


def table(found: Comparison) -> Iterator[str]:
    """A row for each op's output."""
    yield (
        f"{'op':>4} {'name':<18} {'tensor':<28} {'elements':>9}  "
        f"{'equal':>7} {'1 step':>8} {'more':>7} "
        f"{'max':>4}  {'end to end':>10} {'max':>4}  {'predicted':>9}  cause"
    )
    for layer in found.layers:
        head = f"{layer.op:>4} {layer.name:<18} {short_name(layer.label)[-28:]:<28}"
        if not layer.observed:
            yield f"{head} {'':>9}  {layer.place.state}"
            continue
        own, end = layer.forced, layer.end
        model = (
            ""
            if layer.predicted is None
            else percent(layer.predicted.equal, layer.predicted.elements)
        )
        yield (
            f"{head} {own.elements:>9,}  "
            f"{percent(own.equal, own.elements):>7} {own.one:>8,} {own.more:>7,} {own.largest:>4}  "
            f"{percent(end.equal, end.elements):>10} {end.largest:>4}  {model:>9}  "
            f"{'' if layer.cause is None else layer.cause.text}"
        )


def percent(part: int, whole: int) -> str:
    """A share; 100 % only where it is all."""
    if not whole:
        return "-"
    share = 100 * part / whole
    return "100 %" if part == whole else f"{min(share, 99.99):.2f} %"


def effect_lines(effect: Effect) -> Iterator[str]:
    """What differences do to an output."""
    if not effect.vectors:
        yield f"output {short_name(effect.label)}: {'; '.join(effect.not_applicable)}"
        return
    yield (
        f"output {short_name(effect.label)}: equal in {effect.equal} of {effect.vectors} vectors; "
        f"{effect.scores} differ by at most {effect.largest:.4g}, on average {effect.mean:.2g}"
    )
    if effect.same_top is not None:
        yield f"  the same top class in {effect.same_top} of {effect.vectors}"
    for one in effect.decisions:
        yield f"  threshold {one.threshold:g}: {one.changed} of {one.of} decisions change"
    for why in effect.not_applicable:
        yield f"  not applicable: {why}"


def budget_lines(report: Report) -> Iterator[str]:
    """The budgets that the bundle has, and those that follow."""
    if report.given is not None:
        yield f"budgets of the bundle, dialect {report.given.dialect}, {report.given.tool}:"
        yield from (
            f"  {line}" for line in report.given.lines() or ["none: tolerance 0 everywhere"]
        )
    found = report.budgets
    yield f"budgets that follow, dialect {found.budget.dialect}, {found.budget.tool}:"
    yield from (f"  {line}" for line in found.budget.lines() or ["none: tolerance 0 everywhere"])
    for op, why in found.refused.items():
        yield f"  op {op}: none, {why}"

"""A comparison of the NPU with TFLite as one self-contained HTML page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from host import __version__
from host.npu.comparison.compare import LayerComparison
from host.npu.comparison.payload import Report
from host.npu.comparison.table import percent
from host.report.html import Fact, data_uri, environment
from host.report.npu_pictures import steps_png
from host.report.pictures import map_png
from host.report.verdict import short_name
from host.results import write_result

_TEMPLATE = "npu.html.j2"
_LONGEST = 44  # characters of a tensor's name


@dataclass(frozen=True)
class Row:
    """A row of the table. Shares are in percent: equal, one step, more.

    Doubts are shown of a prediction alone: an executed network has the constants that it has.
    """

    layer: LayerComparison
    name: str
    state: str  # exact | near | wrong | hidden
    equal: str
    end: str
    model: str
    shares: tuple[float, float, float]
    doubts: tuple[str, ...]


def write_npu_html(path: Path, report: Report) -> None:
    """Write the page whole or not at all."""
    write_result(path, render(report).encode())


def render(report: Report) -> str:
    """The page as text."""
    found = report.comparison
    worst = found.worst
    where = (
        "" if worst is None or worst.map is None else data_uri(map_png(worst.map.astype(np.int64)))
    )
    return (
        environment()
        .get_template(_TEMPLATE)
        .render(
            report=report,
            found=found,
            executed=found.about.kind == "executed",
            title=Path(report.subject).name or report.subject,
            version=__version__,
            headline=_headline(report),
            rows=[_row(layer) for layer in found.layers],
            explained=[
                layer for layer in found.observed if layer.cause is not None and _told(layer)
            ],
            worst=worst,
            chart=data_uri(steps_png(found.observed)),
            where=where,
            effects=found.effects,
            budgets=_budgets(report),
            facts=_facts(report),
            hidden=_hidden(found.layers),
        )
    )


def _told(layer: LayerComparison) -> bool:
    return bool(layer.forced.more or (layer.cause is not None and layer.cause.is_fault))


def _headline(report: Report) -> tuple[str, str]:
    """(state, text): how much the NPU's layers differ by themselves."""
    found = report.comparison
    worst = found.worst
    if worst is None or not worst.forced.largest:
        return "exact", "Equal: no layer differs on the NPU's own inputs"
    faults = [layer for layer in found.observed if layer.cause is not None and layer.cause.is_fault]
    if faults:
        first = faults[0]
        assert first.cause is not None
        return "different", f"A fault: op {first.op}, {first.name}: {first.cause.text}"
    more = [layer for layer in found.observed if layer.forced.more]
    if not more:
        return "exact", "At most a step: every layer rounds otherwise than TFLite, and no more"
    return "different", (
        f"{len(more)} of {len(found.observed)} layers differ by more than a step, at most "
        f"{worst.forced.largest}: op {worst.op}, {worst.name}"
    )


def _row(layer: LayerComparison) -> Row:
    own, end = layer.forced, layer.end
    state = "hidden"
    if layer.observed:
        fault = layer.cause is not None and layer.cause.is_fault
        state = "wrong" if own.more or fault else "near" if own.largest else "exact"
    whole = own.elements or 1
    return Row(
        layer,
        short_name(layer.label, _LONGEST),
        state,
        percent(own.equal, own.elements),
        percent(end.equal, end.elements),
        "-"
        if layer.predicted is None
        else percent(layer.predicted.equal, layer.predicted.elements),
        (100 * own.equal / whole, 100 * own.one / whole, 100 * own.more / whole),
        layer.doubts if layer.inherited else (),
    )


def _budgets(report: Report) -> list[tuple[str, list[str]]]:
    """(title, lines) of the budgets that the bundle has, and of those that follow."""
    made = []
    if report.given is not None:
        given = report.given
        made.append((f"In the bundle, dialect {given.dialect}, {given.tool}", given.lines()))
    found = report.budgets
    refused = [f"op {op}: none, {why}" for op, why in found.refused.items()]
    title = f"That follow, dialect {found.budget.dialect}, {found.budget.tool}"
    made.append((title, found.budget.lines() + refused))
    return made


def _hidden(layers: Sequence[LayerComparison]) -> list[tuple[str, str, str]]:
    """(state, reason, ops) of what is not observed."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for layer in layers:
        if not layer.observed:
            key = (layer.place.state, layer.place.reason)
            reasons.setdefault(key, []).append(str(layer.op))
    return [(state, reason, ", ".join(ops)) for (state, reason), ops in reasons.items()]


def _facts(report: Report) -> list[Fact]:
    found = report.comparison
    about = found.about
    named: list[tuple[str, Any, bool]] = [
        ("NPU", f"{about.kind}, dialect {about.dialect}, {about.tool}", False),
        ("identity", about.statement, False),
        ("ties", about.rule, False),
        ("reference", found.reference, False),
        ("vectors", f"{found.vectors}: {report.inputs}", False),
        ("model", report.model_sha256, True),
        ("contract", report.contract_sha256, True),
        ("not mapped", f"{len(found.others)} tensors that the model does not have", False),
    ]
    return [Fact(name, str(value), mono) for name, value, mono in named]

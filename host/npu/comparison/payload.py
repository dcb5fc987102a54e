"""A comparison as JSON (`nightjar/npu/1`), as lines for people, and its arrays as .npz."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from host.contract import NpuBudget
from host.npu.comparison.budget import Budgets
from host.npu.comparison.compare import Comparison, LayerComparison
from host.npu.comparison.effect import Effect
from host.npu.comparison.side import Pass
from model_gen.codegen.tflite.graph import short_name

SCHEMA = "nightjar/npu/1"
_UNNAMED = 200  # characters of a name that is a member of a zip


@dataclass(frozen=True, eq=False)
class Report:
    """A comparison and what belongs to it.

    Attributes:
        subject: the path that was given.
        model_sha256, contract_sha256: of what was compared.
        inputs: where the vectors are from.
        budgets: that follow.
        given: those that the bundle has already.
        max_steps: the gate; None: there is none.
    """

    subject: str
    model_sha256: str
    contract_sha256: str
    inputs: str
    comparison: Comparison
    budgets: Budgets
    given: NpuBudget | None
    max_steps: int | None

    @property
    def above(self) -> tuple[LayerComparison, ...]:
        """The layers that the gate does not let pass."""
        return () if self.max_steps is None else self.comparison.above(self.max_steps)


def payload(report: Report, exit_code: int) -> dict[str, Any]:
    """The JSON."""
    found = report.comparison
    return {
        "schema": SCHEMA,
        "subject": report.subject,
        "model_sha256": report.model_sha256,
        "contract_sha256": report.contract_sha256,
        "npu": asdict(found.about),
        "reference": found.reference,
        "vectors": found.vectors,
        "inputs": report.inputs,
        "layers": [_layer(layer) for layer in found.layers],
        "other_tensors": list(found.others),
        "effects": [asdict(effect) for effect in found.effects],
        "budgets": report.budgets.as_json(),
        "npu_budget": None if report.given is None else asdict(report.given),
        "max_steps": report.max_steps,
        "above_max_steps": [layer.op for layer in report.above],
        "exit_code": exit_code,
    }


def _layer(layer: LayerComparison) -> dict[str, Any]:
    cause = layer.cause
    return {
        "op": layer.op,
        "name": layer.name,
        "tensor": layer.tensor,
        "label": layer.label,
        "shape": list(layer.shape),
        "dtype": layer.dtype,
        "unit": layer.unit,
        "observed": layer.observed,
        "place": asdict(layer.place),
        "covers": list(layer.covers),
        "computed": layer.how,
        "doubts": list(layer.doubts),
        "inherited_doubts": list(layer.inherited),
        "teacher_forced": asdict(layer.forced) if layer.observed else None,
        "end_to_end": asdict(layer.end) if layer.observed else None,
        "as_predicted": None
        if layer.predicted is None or not layer.observed
        else asdict(layer.predicted),
        "cause": None
        if cause is None
        else {
            "name": cause.text,
            "names": list(cause.names),
            "fault": cause.is_fault,
            "evidence": cause.evidence,
        },
        "copies_that_differ": list(layer.copies),
    }


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
            yield f"op {layer.op}, {layer.name}: copies that hold something else: {', '.join(layer.copies)}"
    reasons: dict[str, list[str]] = {}
    for layer in found.layers:
        if not layer.observed:
            reasons.setdefault(f"{layer.place.state}: {layer.place.reason}", []).append(
                str(layer.op)
            )
    for reason, ops in reasons.items():
        yield f"op {', '.join(ops)}  {reason}"
    if found.others:
        yield f"{len(found.others)} tensors in memory that the model does not have, steps and copies of layers"
    for effect in found.effects:
        yield from effect_lines(effect)
    doubts = dict.fromkeys(doubt for layer in found.layers for doubt in layer.inherited)
    yield from (f"not certain: {doubt}" for doubt in doubts)
    yield from budget_lines(report)


def table(found: Comparison) -> Iterator[str]:
    """A row for each op's output."""
    yield (
        f"{'op':>4} {'name':<18} {'tensor':<28} {'elements':>9}  {'equal':>7} {'1 step':>8} {'more':>7} "
        f"{'max':>4}  {'end to end':>10} {'max':>4}  {'model':>7}  cause"
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
            f"{head} {own.elements:>9,}  {percent(own.equal, own.elements):>7} {own.one:>8,} {own.more:>7,} "
            f"{own.largest:>4}  {percent(end.equal, end.elements):>10} {end.largest:>4}  {model:>7}  "
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


@dataclass
class Kept:
    """The tensors of every vector, to be saved."""

    names: list[str] = field(default_factory=list)
    arrays: list[list[Any]] = field(default_factory=list)

    def add(self, made: Pass) -> None:
        """Take what one vector gave."""
        if not self.names:
            self.names = [name for name, _ in made.everything]
            self.arrays = [[] for _ in self.names]
        for kept, (_, array) in zip(self.arrays, made.everything, strict=True):
            kept.append(array)

    def npz(self) -> bytes:
        """One array a tensor, "NNN name" in order of computation, batch first; always the same bytes."""
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            for number, (name, arrays) in enumerate(zip(self.names, self.arrays, strict=True)):
                member = io.BytesIO()
                np.lib.format.write_array(member, _stacked(arrays), allow_pickle=False)
                key = f"{number:03d} {_usable(name)}"
                archive.writestr(zipfile.ZipInfo(f"{key}.npy"), member.getvalue())
        return stream.getvalue()


def _stacked(arrays: Sequence[Any]) -> Any:
    """Of all vectors, along the axis of the batch."""
    return np.concatenate([one if one.ndim else one[None] for one in arrays], axis=0)


def _usable(name: str) -> str:
    kept = "".join(c if c.isprintable() and c != "/" else "_" for c in name)
    return kept[:_UNNAMED]

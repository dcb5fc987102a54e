"""A comparison as JSON (`nightjar/npu/1`)."""

from dataclasses import asdict, dataclass
from typing import Any

from host.contract import NpuBudget
from host.npu.comparison.budget import Budgets
from host.npu.comparison.compare import Comparison, LayerComparison

SCHEMA = "nightjar/npu/1"


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

    @property
    def not_judged(self) -> tuple[LayerComparison, ...]:
        """The layers of which the gate cannot say."""
        return () if self.max_steps is None else self.comparison.not_judged


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
        "not_judged": list(dict.fromkeys(layer.op for layer in found.not_judged)),
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

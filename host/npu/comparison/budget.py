"""Budgets: by how many steps a layer of the NPU may differ from TFLite's, and why.

A layer gets one only where its own fault, on the NPU's own inputs, has a cause by name that lies in
the NPU's arithmetic, and never more steps than were seen. What is seen and not explained, or comes
from constants that are not certain, gets none: there the tolerance stays 0.
"""

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from host.bundle import MODEL, Subject, write_bundle
from host.contract import NpuBudget, NpuLayerBudget
from host.errors import BadInput
from host.npu.comparison.compare import Comparison, LayerComparison
from host.npu.comparison.side import HIDDEN


@dataclass(frozen=True)
class Budgets:
    """What layers get, and which get none.

    Attributes:
        budget: for the bundle.
        refused: op -> why a layer that differs gets none.
    """

    budget: NpuBudget
    refused: Mapping[int, str]

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self.budget),
            "refused": {str(op): why for op, why in self.refused.items()},
        }


def budgets(comparison: Comparison) -> Budgets:
    """The budgets that follow from a comparison."""
    given: dict[str, NpuLayerBudget] = {}
    refused: dict[int, str] = {}
    hidden = {layer.op for layer in comparison.layers if layer.place.state == HIDDEN}
    for layer in comparison.observed:
        if not layer.forced.largest:
            continue
        why = _refusal(layer, hidden, predicted=comparison.about.kind == "predicted")
        if why:
            refused[layer.op] = why
        else:
            assert layer.cause is not None
            before = given.get(str(layer.op))
            if before is None or before.steps < layer.forced.largest:
                given[str(layer.op)] = NpuLayerBudget(layer.forced.largest, layer.cause.text)
    for op in refused:
        given.pop(str(op), None)
    about = comparison.about
    return Budgets(NpuBudget(about.dialect, about.tool, given), refused)


def _refusal(layer: LayerComparison, hidden: Set[int], *, predicted: bool) -> str:
    unseen = sorted(hidden & {*layer.covers})
    if unseen:
        return f"what it reads was not seen: op {', '.join(map(str, unseen))} not observable"
    if layer.cause is None or not layer.cause.gives_budget:
        return "no cause in the NPU's arithmetic" + (
            "" if layer.cause is None else f": {layer.cause.text}"
        )
    if layer.dtype.startswith("float") and layer.unit is None:
        return "floats that no bytes are behind have no steps"
    if layer.copies:
        return f"copies of it hold something else: {', '.join(layer.copies)}"
    if predicted and layer.doubts:
        return f"its constants are not certain: {layer.doubts[0]}"
    return ""


def write_budget(subject: Subject, found: Budgets, path: Path, *, force: bool = False) -> None:
    """Write the bundle again, with the budgets.

    Raises:
        BadInput: the subject is a bare model, or `path` holds something else.
    """
    contract = require_bundle(subject)
    files = {name: data for name, data in subject.files.items() if re.fullmatch(r"[^/]+", name)}
    write_bundle(
        path,
        replace(contract, npu_budget=found.budget),
        files | {MODEL: subject.model},
        force=force,
    )


def check_apart(path: Path, read: Iterable[Path]) -> None:
    """Refuse to write the new bundle over, into or around what was read.

    Raises:
        BadInput: it would be.
    """
    place = path.resolve()
    for one in (other.resolve() for other in read):
        if place == one or place in one.parents or one in place.parents:
            raise BadInput(
                "--budget writes a new bundle, beside what the command reads",
                evidence=f"Received: {path}, which is, holds or lies in {one}",
                next_step="give a folder of its own",
            )


def require_bundle(subject: Subject) -> Any:
    """The contract of a bundle.

    Raises:
        BadInput: it is a bare model.
    """
    if subject.contract is None:
        raise BadInput(
            "budgets are written to a bundle",
            evidence=f"Received: {subject.path}, a bare model",
            next_step="give the bundle of the model, or leave --budget out",
        )
    return subject.contract

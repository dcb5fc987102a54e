"""A model's profile, as JSON `nightjar/model-profile/1` and as text."""

from collections.abc import Iterator
from typing import Any

from model_gen.profile.profile import ModelProfile, profile_model
from model_gen.profile.rules.rule import Finding

SCHEMA = "nightjar/model-profile/1"
_NAME = 28  # columns of a layer's name


def as_json(found: ModelProfile) -> dict[str, Any]:
    """Everything; `instructions` null where they are not known."""
    return {
        "schema": SCHEMA,
        "trained": found.trained,
        "inputs": [list(shape) for shape in found.inputs],
        "macs": found.macs,
        "parameters": found.parameters,
        "activation_bytes": found.activation_bytes,
        "instructions": round(found.instructions),
        "steps_of_unknown_cost": found.uncosted,
        "layers": [
            {
                "name": step.name,
                "op": step.op,
                "layers": list(step.layers),
                "output": list(step.output),
                "macs": step.macs,
                "parameters": step.parameters,
                "activation_bytes": step.bytes,
                "kernel": None if step.work is None else step.work.kernel,
                "instructions": None if cost is None else round(cost),
            }
            for step, cost in zip(found.steps, found.costs, strict=True)
        ],
        "findings": [
            {
                "rule": one.rule.name,
                "severity": one.rule.severity,
                "where": one.hit.where,
                "says": one.hit.says,
                "mend": one.mend,
                "source": one.rule.source,
            }
            for one in found.findings
        ],
    }


def lines(found: ModelProfile) -> Iterator[str]:
    """The table of layers, the sums, and what is found."""
    yield (
        f"{'layer':{_NAME}} {'op':20} {'output':>14} {'MACs':>11} {'parameters':>10} {'bytes':>9}"
        f" {'instructions':>12}"
    )
    for step, cost in zip(found.steps, found.costs, strict=True):
        size = "x".join(map(str, step.output))
        told = "unknown" if cost is None else f"{cost:,.0f}" if cost else ""
        yield (
            f"{_short(step.name):{_NAME}} {step.op[:20]:20} {size:>14} {_number(step.macs):>11}"
            f" {_number(step.parameters):>10} {_number(step.bytes):>9} {told:>12}"
        )
    yield from summary(found)
    yield from findings(found)


def expected(model: Any) -> Iterator[str]:
    """The short form for a `keras.Model` that is about to be trained: the sums, and what is worse than a note."""
    found = profile_model(model, trained=False)
    yield from summary(found)
    yield from findings(found, notes=False)


def summary(found: ModelProfile) -> Iterator[str]:
    """The sums, in one line or two."""
    yield (
        f"{found.parameters:,} parameters, {found.macs:,} MACs; int8 activations take "
        f"{found.activation_bytes:,} bytes at once; about {found.instructions:,.0f} instructions "
        "on the Cortex-M55"
    )
    if found.uncosted:
        layers = "layer" if found.uncosted == 1 else "layers"
        yield f"without {found.uncosted} {layers} whose cost is not known"


def findings(found: ModelProfile, *, notes: bool = True) -> Iterator[str]:
    """What the rules found: each rule, and what to change, once with the places."""
    alike: dict[tuple[str, str], list[Finding]] = {}
    for one in found.findings:
        alike.setdefault((one.rule.name, one.mend), []).append(one)
    for (name, mend), several in alike.items():
        severity = several[0].rule.severity
        if severity == "note" and not notes:
            continue
        yield f"{severity} {name}: {_places(several)}. {mend[0].upper()}{mend[1:]}."


def _places(several: list[Finding]) -> str:
    told = [f"{one.hit.where} ({one.hit.says})" for one in several[:3]]
    more = f" and {len(several) - 3} more" if len(several) > 3 else ""
    return ", ".join(told) + more


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"..{name[-_NAME + 2 :]}"


def _number(value: int) -> str:
    return f"{value:,}" if value else ""

"""What a study is of, recorded with it: trials of anything else must not be compared with its own."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from host.errors import BadInput
from model_gen.data.dataset import Dataset
from model_gen.tuning.plan import Plan

SCHEMA = "nightjar/study/1"
KEY = "nightjar"  # of the study's attribute
_SHOWN = 5


def identity(plan: Plan, data: str) -> dict[str, Any]:
    """Of a search: its space, the options that all trials share, what is judged, the recordings.

    `data`: as `data_sha256` gives it.
    """
    options = plan.options
    shared = {k: v for k, v in options.recipe().items() if k not in plan.space.ranges}
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "preset": plan.space.preset,
        "space": plan.space.ranges,
        "options": shared,
        "objective": options.objective,
        "pareto": options.pareto,
        "pruner": options.pruner,
        "budget_macs": options.budget_macs,
        "recordings": data,
    }
    same: dict[str, Any] = json.loads(json.dumps(found))
    return same


def data_sha256(dataset: Dataset) -> str:
    """SHA-256 over paths, sizes and labels of the recordings; none of them is read."""
    digest = hashlib.sha256()
    for one in dataset.recordings:
        size = one.path.stat().st_size
        told = f"{one.relative} {size} {one.labels} {one.recordist}\n"
        digest.update(told.encode(errors="surrogateescape"))
    return digest.hexdigest()


def check_identity(found: Mapping[str, Any], wanted: Mapping[str, Any], name: str) -> None:
    """Hold what a study is of against what is asked for.

    Raises:
        BadInput: they differ; with the first differences.
    """
    there, here = _flat(found), _flat(wanted)
    differing = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
    if not differing:
        return
    told = [
        f"{key} {here.get(key, 'absent')}, which was {there.get(key, 'absent')}"
        for key in differing[:_SHOWN]
    ]
    more = f"; and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    raise BadInput(
        "a study must be of one search space, of the same options, objective and recordings",
        evidence=f"Received: --study {name}: {'; '.join(told)}{more}",
        next_step="give what the study began with, or another --study",
    )


def _flat(of: Mapping[str, Any]) -> dict[str, str]:
    """Name -> value, those of options by the options' names."""
    flat: dict[str, str] = {}
    for key, value in of.items():
        if key == "space":
            flat |= {f"search of {name}": json.dumps(one) for name, one in value.items()}
        elif key == "options":
            flat |= {f"--{name.replace('_', '-')}": json.dumps(one) for name, one in value.items()}
        else:
            flat[key] = json.dumps(value)
    return flat

"""What `nightjar bench tuning` measured, as JSON that names no place."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from model_gen.evaluation.learning.payload import made_by
from model_gen.tuning.bench import Measured
from model_gen.tuning.payload import payload as of_study


def payload(found: Measured) -> dict[str, Any]:
    """When and with what, who tested, the study, and both models' worth."""
    study = of_study(found.found)
    for trial in study["trials"]:
        del trial["checkpoint"]
    return {
        **made_by(),
        "test": found.fold.test,
        "val": found.fold.val,
        "rows": [asdict(row) for row in found.rows],
        "apart": {kind: asdict(one) for kind, one in found.apart.items()},
        "study": study,
    }


def apart(by_kind: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """By how much the best is better, a line a kind of model; of the JSON's `apart`."""
    for kind, one in by_kind.items():
        yield (
            f"{kind}: the best has {one['difference']:+.3f} macro AP over the default, "
            f"{one['low']:+.3f} to {one['high']:+.3f} in 95 % of the draws"
        )

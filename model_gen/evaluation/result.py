"""What an evaluation found, and as the JSON of `nightjar/evaluate/1`."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from model_gen.data.cache import Skipped
from model_gen.evaluation.alarms import Alarms
from model_gen.evaluation.bootstrap import Difference
from model_gen.evaluation.curves import Curves
from model_gen.evaluation.events import EventRecall, Peaks
from model_gen.evaluation.latency import Latency
from model_gen.evaluation.metrics import Metrics
from model_gen.evaluation.quality import Quality

SCHEMA = "nightjar/evaluate/1"


@dataclass(frozen=True, eq=False)
class Kind:
    """One model's results. quality: pooling -> figures. pooled: pooling -> scores float64
    [recordings, labels], which curves and histograms are drawn of. peaks: of annotated events.

    latency is None where the host did not compute, on a board.
    """

    kernels: str
    quality: dict[str, Quality]
    pooled: dict[str, npt.NDArray[np.float64]]
    curves: Curves | None
    alarms: Alarms
    events: EventRecall | None
    peaks: Peaks | None
    latency: Latency | None


@dataclass(frozen=True, eq=False)
class EvaluateResult:
    """kinds: "float", "int8", ... -> what was found. wanted: [recordings, labels], 0 or 1.

    pooling: which one curves, alarms' table and page show. absent: labels that no recording has.
    compared: (first kind, second kind) -> pooling -> figure -> difference. differing: scores of
    the board that are not the reference's.
    """

    split: str
    labels: tuple[str, ...]
    recordings: int
    chunks: int
    skipped: tuple[Skipped, ...]
    kinds: dict[str, Kind]
    pooling: str
    wanted: npt.NDArray[np.float32]
    folders: tuple[str, ...]
    thresholds_from: str
    units: int
    unit: str
    draws: int
    seed: int
    compared: dict[tuple[str, str], dict[str, dict[str, Difference | None]]] = field(
        default_factory=dict
    )
    differing: int | None = None
    annotated: int | None = None  # recordings with a table of annotations

    @property
    def metrics(self) -> dict[str, dict[str, Metrics]]:
        """Kind -> pooling -> the figures that training and quantization see, too."""
        return {
            name: {how: quality.metrics for how, quality in kind.quality.items()}
            for name, kind in self.kinds.items()
        }

    @property
    def kernels(self) -> dict[str, str]:
        """Kind -> what computed its scores."""
        return {name: kind.kernels for name, kind in self.kinds.items()}

    @property
    def absent(self) -> tuple[str, ...]:
        """Labels that no judged recording has: their metrics are None, and in no mean."""
        heard = np.asarray(self.wanted.any(axis=0))
        return tuple(label for label, any_ in zip(self.labels, heard, strict=True) if not any_)

    @property
    def drawn_from(self) -> str:
        """What the bootstrap draws from, for people."""
        return f"{self.units} {self.unit}{'s' if self.units != 1 else ''}"

    @property
    def negatives(self) -> int:
        """Recordings of no class."""
        return int((~self.wanted.any(axis=1)).sum())

    def as_json(self) -> dict[str, Any]:
        """The whole result; the same models and recordings give the same but for `latency`."""
        return {
            "schema": SCHEMA,
            "split": self.split,
            "labels": list(self.labels),
            "recordings": self.recordings,
            "chunks": self.chunks,
            "skipped": [asdict(s) for s in self.skipped],
            "kernels": self.kernels,
            "metrics": {
                name: {how: quality.as_json() for how, quality in kind.quality.items()}
                for name, kind in self.kinds.items()
            },
            "absent": list(self.absent),
            "negatives": self.negatives,
            "pooling": self.pooling,
            "thresholds_from": self.thresholds_from,
            "bootstrap": {
                "draws": self.draws,
                "seed": self.seed,
                "unit": self.unit,
                "units": self.units,
                "level": 0.95,
            },
            "compared": [
                {
                    "first": first,
                    "second": second,
                    "figures": {
                        how: {n: None if d is None else asdict(d) for n, d in found.items()}
                        for how, found in poolings.items()
                    },
                }
                for (first, second), poolings in self.compared.items()
            ],
            "curves": {name: _curves(kind.curves) for name, kind in self.kinds.items()},
            "alarms": {name: _alarms(kind.alarms) for name, kind in self.kinds.items()},
            "annotated": self.annotated,
            "events": {
                name: None if kind.events is None else _events(kind.events)
                for name, kind in self.kinds.items()
            },
            "differing": self.differing,
            "latency": {
                name: None if kind.latency is None else asdict(kind.latency)
                for name, kind in self.kinds.items()
            },
        }


def _curves(found: Curves | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {name: getattr(found, name).as_json() for name in ("pr", "roc", "det")}


def _alarms(found: Alarms) -> dict[str, Any]:
    return {
        **asdict(found),
        "negatives": {
            folder: {"recordings": count, "share": share}
            for folder, (count, share) in found.negatives.items()
        },
    }


def _events(found: EventRecall) -> dict[str, Any]:
    between = found.interval
    return {
        **asdict(found),
        "interval": None if between is None else [between.low, between.high],
        "per_class": {
            label: {"events": count, "recall": share}
            for label, (count, share) in found.per_class.items()
        },
    }

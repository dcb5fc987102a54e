"""Whether an int8 model is near enough to the float model that it came from."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from model_gen.evaluation.metrics import Metrics, evaluate_scores
from model_gen.evaluation.pooling import activate, pool

MEAN_COSINE = 0.95
P5_COSINE = 0.90
MAX_DROP = 0.05
_ROUNDING = 1e-9  # of differences between metrics

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Heard:
    """What the judged chunks were heard in."""

    owner: npt.NDArray[np.int64]  # [chunks]: the recording of each
    wanted: npt.NDArray[np.float32]  # [recordings, labels], 0 or 1
    labels: tuple[str, ...]
    activation: str  # of the logits: sigmoid | softmax; none: they are scores

    def metrics(self, logits: Logits) -> Metrics:
        """Over recordings, which score the log-mean-exp of their chunks."""
        scores = logits.astype(np.float64)
        if self.activation != "none":
            scores = activate(logits, self.activation)
        pooled = pool(scores, self.owner, len(self.wanted), "lme")
        return evaluate_scores(self.wanted, pooled, self.labels)


@dataclass(frozen=True)
class GateResult:
    """Cosine between float and dequantized int8 logits, chunk by chunk, and the metrics of both over recordings.

    A metric is None where no class has one, for both models, or where logits are not finite. It then
    cannot be held, which is refused, unless any drop is allowed (`max_drop` 1).
    """

    chunks: int
    recordings: int
    mean_cosine: float
    p5_cosine: float  # 5th percentile
    float_ap: float | None  # average precision, macro
    int8_ap: float | None
    float_top1: float | None
    int8_top1: float | None
    required_mean_cosine: float = MEAN_COSINE
    required_p5_cosine: float = P5_COSINE
    max_drop: float = MAX_DROP
    unheard: tuple[
        str, ...
    ] = ()  # labels that have no AP, and are not in that of the classes' mean

    @property
    def _metrics(self) -> tuple[tuple[str, float | None, float | None], ...]:
        return (
            ("class-mean AP", self.float_ap, self.int8_ap),
            ("top-1", self.float_top1, self.int8_top1),
        )

    @property
    def not_held(self) -> tuple[str, ...]:
        """The metrics that could not be measured."""
        return tuple(name for name, *values in self._metrics if None in values)

    @property
    def refused(self) -> tuple[str, ...]:
        """A clause for each gate that failed: what was measured, and what it needs."""
        found = []
        for what, value, required in (
            ("in the mean", self.mean_cosine, self.required_mean_cosine),
            (
                f"at the 5th percentile of {self.chunks} chunks",
                self.p5_cosine,
                self.required_p5_cosine,
            ),
        ):
            if not value >= required:
                found.append(f"cosine {value:.4f} (needs {required}) {what}")
        for what, whole, quantized in self._metrics:
            if whole is None or quantized is None:
                if self.max_drop < 1:
                    found.append(f"{what} that {self.recordings} recordings cannot measure")
            elif not whole - quantized <= self.max_drop + _ROUNDING:
                found.append(
                    f"{what} {quantized:.4f} where the float model has {whole:.4f}, over {self.recordings} recordings "
                    f"(may drop by {self.max_drop:g})"
                )
        return tuple(found)

    @property
    def passed(self) -> bool:
        return not self.refused

    def as_json(self) -> dict[str, Any]:
        """For model.json and `--json`."""
        return {**asdict(self), "not_held": self.not_held, "passed": self.passed}

    def require(self) -> None:
        """Refuse a failing model.

        Raises:
            BadInput: a gate failed.
        """
        if not self.passed:
            raise BadInput(
                "the int8 model is not shown to be near enough to the float model: no bundle was written",
                evidence=f"Received: {'; '.join(self.refused)}",
                next_step="train longer or on more recordings, calibrate on more chunks (--calibration-samples), "
                "or, where a few validation recordings decide, allow a larger --max-drop; with --max-drop 1 "
                "the metrics are not held",
            )


def cosines(a: Logits, b: Logits) -> npt.NDArray[np.float64]:
    """Cosine of each row of [n, labels]; 1 where both norms are below 1e-8, 0 where one is."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    norms = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    silent = (norms[0] < 1e-8) & (norms[1] < 1e-8)
    product = norms[0] * norms[1]
    safe = np.where(product > 0, product, 1.0)
    return np.where(silent, 1.0, (x * y).sum(axis=1) / safe)


def judge(
    float_logits: Logits, int8_logits: Logits, heard: Heard, *, max_drop: float = MAX_DROP
) -> GateResult:
    """Measure the gates on logits [chunks, labels]; a single value that is not finite fails them.

    `max_drop` is how much of class-mean AP and of top-1 int8 may cost, 0 to 1; below 1 both must be
    there to be measured.
    """
    counts = len(float_logits), len(heard.wanted)
    if not (np.isfinite(float_logits).all() and np.isfinite(int8_logits).all()):
        return GateResult(*counts, -1.0, -1.0, None, None, None, None, max_drop=max_drop)
    values = cosines(float_logits, int8_logits)
    whole, quantized = heard.metrics(float_logits), heard.metrics(int8_logits)
    return GateResult(
        *counts,
        mean_cosine=float(values.mean()),
        p5_cosine=float(np.percentile(values, 5)),
        float_ap=whole.average_precision,
        int8_ap=quantized.average_precision,
        float_top1=whole.top1,
        int8_top1=quantized.top1,
        max_drop=max_drop,
        unheard=tuple(
            label for label, row in whole.per_class.items() if row["average_precision"] is None
        ),
    )

"""Whether an int8 model is near enough to the float model that it came from."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput

MEAN_COSINE = 0.95
P5_COSINE = 0.90

Logits = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class GateResult:
    """Cosine between float and dequantized int8 logits, chunk by chunk."""

    chunks: int
    mean_cosine: float
    p5_cosine: float  # 5th percentile
    required_mean_cosine: float = MEAN_COSINE
    required_p5_cosine: float = P5_COSINE

    @property
    def passed(self) -> bool:
        return (
            self.mean_cosine >= self.required_mean_cosine
            and self.p5_cosine >= self.required_p5_cosine
        )

    def as_json(self) -> dict[str, Any]:
        """For model.json and `--json`."""
        return {**asdict(self), "passed": self.passed}

    def require(self) -> None:
        """Refuse a failing model.

        Raises:
            BadInput: a gate failed.
        """
        if not self.passed:
            raise BadInput(
                "the int8 model is too far from the float model: no bundle was written",
                evidence=f"Received: cosine {self.mean_cosine:.4f} (needs {self.required_mean_cosine}) in the mean, "
                f"{self.p5_cosine:.4f} (needs {self.required_p5_cosine}) at the 5th percentile of {self.chunks} chunks",
                next_step="train longer or on more recordings, or calibrate on more chunks (--calibration-samples)",
            )


def cosines(a: Logits, b: Logits) -> npt.NDArray[np.float64]:
    """Cosine of each row of [n, labels]; 1 where both norms are below 1e-8, 0 where one is."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    norms = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    silent = (norms[0] < 1e-8) & (norms[1] < 1e-8)
    product = norms[0] * norms[1]
    safe = np.where(product > 0, product, 1.0)
    return np.where(silent, 1.0, (x * y).sum(axis=1) / safe)


def judge(float_logits: Logits, int8_logits: Logits) -> GateResult:
    """Measure the gates; a value that is not finite fails."""
    values = np.nan_to_num(cosines(float_logits, int8_logits), nan=-1.0)
    return GateResult(len(values), float(values.mean()), float(np.percentile(values, 5)))

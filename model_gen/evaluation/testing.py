"""For tests: recordings that a model scores, some right and some wrong."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def example(count: int = 40, labels: int = 3, seed: int = 0) -> tuple[Floats, Floats]:
    """Wanted and scores [count, labels]; the class behind the last is noise."""
    rng = np.random.default_rng(seed)
    wanted = np.eye(labels + 1)[rng.integers(0, labels + 1, count)][:, :labels]
    scores = np.clip(rng.normal(0.3, 0.2, wanted.shape) + 0.3 * wanted, 0, 1).round(2)
    return wanted, scores

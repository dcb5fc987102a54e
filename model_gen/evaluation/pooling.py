"""From the scores of a recording's chunks to the scores of the recording."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LME_SHARPNESS = 10.0


def log_mean_exp(scores: Floats) -> Floats:
    """ln(mean(exp(10 s))) / 10 over chunks: between the average and the maximum."""
    z = scores * LME_SHARPNESS
    top = z.max(axis=0)
    return np.asarray((np.log(np.exp(z - top).mean(axis=0)) + top) / LME_SHARPNESS)


# Name -> [chunks, labels] scores in [0, 1] to [labels].
POOLINGS: dict[str, Callable[[Floats], Floats]] = {
    "max": lambda scores: np.asarray(scores.max(axis=0)),
    "average": lambda scores: np.asarray(scores.mean(axis=0)),
    "lme": log_mean_exp,
}


def pool(scores: Floats, owner: npt.NDArray[np.int64], recordings: int, how: str) -> Floats:
    """Pool chunk scores [chunks, labels] to [recordings, labels].

    Chunk i belongs to recording owner[i].
    """
    return np.stack([POOLINGS[how](scores[owner == r]) for r in range(recordings)])


def activate(logits: npt.NDArray[np.float32], activation: str) -> Floats:
    """Scores float64 [n, labels] in [0, 1] of logits [n, labels]; sigmoid, softmax or none."""
    z = logits.astype(np.float64)
    if activation == "none":
        return z
    if activation == "softmax":
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return np.asarray(e / e.sum(axis=-1, keepdims=True))
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))

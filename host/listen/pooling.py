"""From the steps of a model's output to labels: activation, pooling over chunks, the top few."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
POOLS = ("max", "average", "lme")
BETA = 10.0  # of the log-mean-exp


@dataclass(frozen=True)
class Detection:
    """A label, its pooled score, and the chunk that speaks for it most, in seconds."""

    label: str
    score: float
    start: float
    end: float


def activate(steps: npt.NDArray[Any], scale: float, zero_point: int, activation: str) -> Scores:
    """Probabilities from a model's output.

    Args:
        steps: int8 or float32 [chunks, labels].
        scale, zero_point: real = scale * (step - zero_point); not used for floats.
        activation: none | sigmoid | softmax, as the contract says.

    Returns:
        float64 [chunks, labels].
    """
    values = steps.astype(np.float64)
    if steps.dtype.kind != "f":
        values = scale * (values - zero_point)
    if activation == "none":
        return values
    if activation == "sigmoid":
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))
    if activation == "softmax":
        powers = np.exp(values - values.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
    raise ValueError(f"Received: activation={activation!r}")


def pool(scores: Scores, how: str) -> Scores:
    """Scores of a recording from those of its chunks.

    Args:
        scores: float64 [chunks, labels], at least one chunk.
        how: max; average; lme, which is log(mean(exp(BETA * score))) / BETA, between the two.

    Returns:
        float64 [labels].
    """
    if how == "max":
        return np.asarray(scores.max(axis=0))
    if how == "average":
        return np.asarray(scores.mean(axis=0))
    if how == "lme":
        top = scores.max(axis=0)
        return np.asarray(top + np.log(np.mean(np.exp(BETA * (scores - top)), axis=0)) / BETA)
    raise ValueError(f"Received: how={how!r}")


def detect(
    scores: Scores,
    labels: tuple[str, ...],
    starts: list[int],
    *,
    chunk: int,
    length: int,
    rate: int,
    how: str,
    top_k: int,
) -> list[Detection]:
    """The `top_k` labels by pooled score; equal scores in the order of the labels.

    Args:
        starts: first sample of each chunk.
        chunk, length: samples of a chunk and of the recording.
        rate: samples a second.
    """
    pooled = pool(scores, how)
    order = sorted(range(len(labels)), key=lambda i: (-pooled[i], i))[:top_k]
    loudest = scores.argmax(axis=0)
    return [
        Detection(
            labels[i],
            float(pooled[i]),
            starts[loudest[i]] / rate,
            min(starts[loudest[i]] + chunk, length) / rate,
        )
        for i in order
    ]

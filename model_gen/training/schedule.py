"""The learning rate of each step."""

import math

WARMUP_EPOCHS = 2


def learning_rate(step: int, *, peak: float, steps_per_epoch: int, epochs: int) -> float:
    """Linear from 0 to `peak` over two warm-up epochs (fewer in a short run), then a half cosine down to about 0.

    `step` counts from 0; the first step already moves.
    """
    warmup = min(WARMUP_EPOCHS, epochs // 4) * steps_per_epoch
    if step < warmup:
        return peak * (step + 1) / warmup
    total = epochs * steps_per_epoch - warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total)))

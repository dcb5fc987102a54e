"""Logits of a Keras model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from model_gen.data.features import Chunks
from model_gen.runtime import tensorflow


def predict_logits(
    model: Any,
    chunks: Chunks,
    *,
    batch_size: int = 32,
    on_progress: Callable[[int], None] = lambda done: None,
) -> npt.NDArray[np.float32]:
    """Float logits of all chunks, float32 [chunks, labels], without augmentation or dropout."""
    tf = tensorflow()
    infer = getattr(model, "nightjar_infer", None)
    if infer is None:
        spec = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        infer = tf.function(lambda x: model(x, training=False), input_signature=[spec])
        model.nightjar_infer = infer
    parts = []
    for start in range(0, len(chunks), batch_size):
        end = min(start + batch_size, len(chunks))
        part = infer(chunks.features(range(start, end))[..., None])
        parts.append(np.asarray(part, np.float32))
        on_progress(end)
    return np.concatenate(parts)

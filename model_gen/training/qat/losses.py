"""What faithful training minimizes besides what the labels say: to stay the model that it began as.

All of logits float32 [B, labels].
"""

from typing import Any

import tensorflow as tf

# What each counts beside the loss of the labels, which counts 1.
DIVERGENCE = 1.0
COSINE = 0.1
WORST = 0.75  # of the tenth of a batch that is furthest off
WORST_SHARE = 0.1


def divergence(teacher: Any, student: Any, activation: str) -> Any:
    """Kullback-Leibler of what the teacher says from what the student says, the mean over a batch.

    Of a sigmoid head the mean over labels of KL between Bernoulli variables; of a softmax head one KL a row.
    """
    if activation == "softmax":
        p = tf.nn.softmax(teacher)
        each = tf.reduce_sum(p * (tf.nn.log_softmax(teacher) - tf.nn.log_softmax(student)), axis=-1)
        return tf.reduce_mean(each)
    p = tf.sigmoid(teacher)
    there = tf.math.log_sigmoid(teacher) - tf.math.log_sigmoid(student)
    absent = tf.math.log_sigmoid(-teacher) - tf.math.log_sigmoid(-student)
    return tf.reduce_mean(p * there + (1 - p) * absent)


def apart(teacher: Any, student: Any) -> Any:
    """1 - cosine of the rows: [B], 0 to 2."""
    product = tf.reduce_sum(teacher * student, axis=-1)
    norms = tf.norm(teacher, axis=-1) * tf.norm(student, axis=-1)
    return 1 - product / tf.maximum(norms, 1e-8)


def staying(teacher: Any, student: Any, activation: str) -> Any:
    """The three together, weighted: divergence, cosine, and the cosine of the worst rows."""
    off = apart(teacher, student)
    count = tf.maximum(
        1, tf.cast(tf.math.ceil(WORST_SHARE * tf.cast(tf.size(off), tf.float32)), tf.int32)
    )
    worst = tf.math.top_k(off, count, sorted=False).values
    return (
        DIVERGENCE * divergence(teacher, student, activation)
        + COSINE * tf.reduce_mean(off)
        + WORST * tf.reduce_mean(worst)
    )

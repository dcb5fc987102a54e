"""TensorFlow, set up so that the same run gives the same bits."""

from typing import Any

import host  # noqa: F401  sets the environment that TensorFlow needs before its import

# Weights depend on the number of intra-op threads, so it is the same whatever the machine has.
INTRA_OP_THREADS = 2
INTER_OP_THREADS = 1


def tensorflow() -> Any:
    """The package, on fixed threads and with deterministic ops only."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(INTRA_OP_THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(INTER_OP_THREADS)
    tf.config.experimental.enable_op_determinism()
    return tf

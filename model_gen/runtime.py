"""TensorFlow, set up so that the same run gives the same bits."""

import ctypes
import sys
from typing import Any

import host  # noqa: F401  sets the environment that TensorFlow needs before its import

# Weights depend on the number of intra-op threads, so it is the same whatever the machine has.
INTRA_OP_THREADS = 2
INTER_OP_THREADS = 1
_M_ARENA_MAX = -8  # of glibc's mallopt


def tensorflow() -> Any:
    """The package, on fixed threads and with deterministic ops only."""
    _share_freed_memory()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(INTRA_OP_THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(INTER_OP_THREADS)
    tf.config.experimental.enable_op_determinism()
    return tf


def replicas() -> int:
    """Over how many devices the present strategy of `tf.distribute` adds gradients up; 1 without any."""
    return int(tensorflow().distribute.get_strategy().num_replicas_in_sync)


def _share_freed_memory() -> None:
    """Let each thread have what another one freed, before there are any: one arena for all.

    Batches are made in one thread and freed in others; with an arena each, training grew by a
    quarter in twenty epochs. Elsewhere than on Linux with glibc this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)

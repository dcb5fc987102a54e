"""How glibc keeps freed memory, which TensorFlow changes for the worse."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MOST_MMAP_THRESHOLD = 32 << 20  # bytes; what glibc itself comes to where large blocks are freed


def keep_freed_memory() -> None:
    """Let a step have the memory that the one before it freed.

    A dataset from a generator, which `keras.Model.fit` makes, sets the threshold of trimming to
    128 KiB; from then on each activation comes from the kernel, page by page, and goes back to it.
    That was a third of the processor time of training the demo. Elsewhere than on Linux with glibc
    this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MOST_MMAP_THRESHOLD)
        mallopt(_M_TRIM_THRESHOLD, 2 * _MOST_MMAP_THRESHOLD)

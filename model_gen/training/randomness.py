"""Random numbers by what they are for: who draws first, and in which process, changes nothing."""

import hashlib
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence


class _Digest(ISeedSequence):
    """A digest as the state of a generator. Without one NumPy asks the system for entropy first,
    which takes most of the time that a generator takes."""

    def __init__(self, digest: bytes) -> None:
        self._digest = digest

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        """The first `n_words` words of the digest."""
        return np.frombuffer(self._digest, np.dtype(dtype).newbyteorder("<"), n_words)


def keyed(purpose: str, *key: int | str) -> np.random.Generator:
    """A generator that depends on its purpose and key alone, and on every part of them.

    Args:
        purpose: what is drawn; two purposes have nothing in common under the same key.
        key: such as seed, epoch, recording and window.
    """
    text = "\0".join(map(str, (purpose, *key))).encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(text, digest_size=16).digest()
    # The stubs of NumPy know SeedSequence alone.
    return np.random.Generator(np.random.Philox(_Digest(digest)))  # type: ignore[arg-type]


def factor(most: float, purpose: str, *key: int | str) -> float:
    """One between 1 / (1 + most) and 1 + most, log-uniform; `keyed` by its purpose and key."""
    return float((1 + most) ** keyed(purpose, *key).uniform(-1, 1))

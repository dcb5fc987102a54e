"""Random numbers by what they are for: who draws first, and in which process, changes nothing."""

import hashlib

import numpy as np


def keyed(purpose: str, *key: int | str) -> np.random.Generator:
    """A generator that depends on its purpose and key alone, and on every part of them.

    Args:
        purpose: what is drawn; two purposes have nothing in common under the same key.
        key: such as seed, epoch, recording and window.
    """
    text = "\0".join(map(str, (purpose, *key))).encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(text, digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))

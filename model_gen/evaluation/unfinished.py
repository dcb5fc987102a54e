"""Scores of an evaluation that goes on, kept until it ends: one that is cut off goes on from
there."""

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from host.cache import UNFINISHED, key_of
from host.installed import ROOT
from model_gen.data.features import Chunks
from model_gen.progress import bar, line

BLOCK = 32  # chunks that are scored and kept at once

# What decides logits besides model, kernels and recordings.
_SOURCES = (
    "firmware/core/frontend/*.[ch]",
    "host/reference/*.py",
    "model_gen/frontends/*.py",
    "model_gen/models/*.py",
    "model_gen/quantization/int8.py",
)

Logits = npt.NDArray[np.float32]


class Unfinished:
    """Blocks of logits, kept by what decides them.

    `identity` names model and kernels. With the evaluation's end they are forgotten: a finished one
    is always computed, never recalled.
    """

    def __init__(self, identity: str, chunks: Chunks, labels: int) -> None:
        self._labels = labels
        self._chunks = chunks
        self._whole = key_of(identity, repr(chunks.contract), _code())

    def logits(
        self, kind: str, compute: Callable[[Chunks], Logits], *, keeps: bool = True
    ) -> Logits:
        """Logits float32 [chunks, labels] of all chunks, with a bar.

        Args:
            kind: of the model, for people.
            compute: logits of some chunks.
            keeps: whether blocks outlive an interruption.
        """
        count = len(self._chunks)
        parts: list[Logits] = []
        recalled = 0
        try:
            with bar(f"windows scored by {kind}", count) as show:
                for begin in range(0, count, BLOCK):
                    some = self._chunks.take(range(begin, min(begin + BLOCK, count)))
                    part = self._recall(some) if keeps else None
                    recalled += 0 if part is None else len(part)
                    if part is None:
                        part = np.asarray(compute(some), np.float32)
                        if keeps:
                            UNFINISHED.write(self._key(some), part.astype("<f4").tobytes())
                    parts.append(part)
                    show(begin + len(part))
        except BaseException:
            done = sum(map(len, parts))
            if done and keeps:
                line(
                    f"the scores of {done} of {count} windows by {kind} are kept in "
                    f"{UNFINISHED.folder.path}: the same command goes on from there"
                )
            raise
        if recalled:
            line(f"{recalled} of {count} windows were scored before an interruption")
        return np.concatenate(parts)

    def forget(self) -> None:
        """Drop every block: the evaluation has come to its end."""
        for begin in range(0, len(self._chunks), BLOCK):
            end = min(begin + BLOCK, len(self._chunks))
            UNFINISHED.drop(self._key(self._chunks.take(range(begin, end))))

    def _recall(self, some: Chunks) -> Logits | None:
        raw = UNFINISHED.read(self._key(some))
        if raw is None or len(raw) != 4 * len(some) * self._labels:
            return None
        return np.frombuffer(raw, "<f4").astype(np.float32).reshape(len(some), self._labels)

    def _key(self, some: Chunks) -> str:
        owned = [(some.names[i], int(s)) for i, s in zip(some.owner, some.starts, strict=True)]
        return key_of(self._whole, repr(owned))


@functools.cache
def _code() -> str:
    files = sorted(path for pattern in _SOURCES for path in ROOT.glob(pattern))
    return key_of(*(path.read_bytes() for path in files))

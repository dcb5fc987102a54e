"""Audio files of any rate and channel count to int16 mono at the contract's rate, in bounded memory."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.reading import kind_of
from model_gen.audio.formats import TAKEN
from model_gen.audio.source import BLOCK, Unreadable, open_source

_LOG = logging.getLogger("nightjar.audio")
QUALITY = "VHQ"  # soxr's; its output depends on nothing but its input

Samples = npt.NDArray[np.int16]


def to_int16(samples: npt.NDArray[np.floating[Any]]) -> Samples:
    """Multiply by 32768, round half to even, saturate.

    Args:
        samples: any shape, full scale at -1 and 1.

    Returns:
        int16 of the same shape.
    """
    scaled = np.rint(samples * samples.dtype.type(32768))
    return np.clip(scaled, -32768, 32767).astype(np.int16)


def mix(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The mean of the channels: float32 [n] of float32 [n, channels]."""
    mixed: npt.NDArray[np.float32] = samples.mean(axis=1, dtype=np.float32)
    return mixed


def decode(path: Path, sample_rate: int, *, max_duration: float | None = None) -> Samples:
    """All that `blocks` gives, with one allocation more: int16 [samples], at least one sample.

    Raises:
        BadInput: as `blocks`.
    """
    return np.concatenate(list(blocks(path, sample_rate, max_duration=max_duration)))


def blocks(
    path: Path, sample_rate: int, *, max_duration: float | None = None, size: int = BLOCK
) -> Iterator[Samples]:
    """Decode a recording of any length and any format that libsndfile reads, a block at a time.

    Channels are mixed by their mean as float32, then resampled, which gives the bits of a resampler
    that is given everything at once. Of a damaged file the good part is given, and a warning logged.

    Args:
        path: the file.
        sample_rate: of the result, in Hz.
        max_duration: seconds from the start that are used; None for all.
        size: frames of the file that are read at once; the samples do not depend on it.

    Yields:
        int16 [samples], none empty; at least one sample in all.

    Raises:
        BadInput: the file is absent, empty, not audio, without a good part, or holds NaN or
            infinity; what it gave before is not to be used, then.
    """
    if not path.is_file():
        raise _unreadable(path, kind_of(path.stat().st_mode) if path.exists() else "no such file")
    found = False
    for mono in _resampled(path, sample_rate, max_duration, size):
        if len(mono):
            found = True
            yield to_int16(mono)
    if not found:
        raise _unreadable(path, f"shorter than one sample at {sample_rate} Hz")


def _resampled(
    path: Path, sample_rate: int, max_duration: float | None, size: int
) -> Iterator[npt.NDArray[np.float32]]:
    import soxr

    resampler = None
    empty = True
    for rate, mono in _mixed(path, max_duration, size):
        empty = False
        if rate == sample_rate:
            yield mono
            continue
        if resampler is None:
            resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32", quality=QUALITY)
        yield resampler.resample_chunk(mono)
    if empty:
        raise _unreadable(path, "no samples")
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _mixed(
    path: Path, max_duration: float | None, size: int
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """The file's rate in Hz with float32 [n] of its channels mixed, block by block."""
    try:
        with open_source(path) as source:
            most = None if max_duration is None else max(1, round(max_duration * source.rate))
            for block in source.blocks(most, size):
                mono = mix(block)
                if not np.isfinite(mono).all():
                    raise _unreadable(path, "NaN or infinity among its samples")
                yield source.rate, mono
            if source.damage:
                _LOG.warning("%s: %s", path, source.damage)
    except Unreadable as error:
        raise _unreadable(path, str(error)) from error


def _unreadable(path: Path, reason: str) -> BadInput:
    return BadInput(
        f"cannot decode {path}",
        evidence=f"Received: {reason}",
        next_step=f"replace or remove the file; {TAKEN} are read",
    )

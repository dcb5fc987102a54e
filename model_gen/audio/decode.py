"""Audio files of any rate and channel count to int16 mono at the contract's rate, in bounded memory."""

import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.interrupts import unbroken
from host.reading import kind_of
from model_gen.audio.formats import TAKEN
from model_gen.audio.source import BLOCK, Source, Unreadable, open_source

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

    Of a damaged file the good part is given, and a warning logged.

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
    with opened(path) as source:
        yield from pcm(source, sample_rate, max_duration=max_duration, size=size)


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """A recording to decode. What is wrong with one whose good part was used is logged at the end.

    Raises:
        BadInput: as `blocks`; what is Unreadable for who uses it, too.
    """
    try:
        if not path.is_file():
            raise Unreadable(kind_of(path.stat().st_mode) if path.exists() else "no such file")
        with open_source(path) as source:
            yield source
            if source.damage:
                _LOG.warning("%s: %s", path, source.damage)
    except Unreadable as error:
        raise BadInput(
            f"cannot decode {path}",
            evidence=f"Received: {error}",
            next_step=f"replace or remove the file; {TAKEN} are read",
        ) from error


def pcm(
    source: Source, sample_rate: int, *, max_duration: float | None, size: int = BLOCK
) -> Iterator[Samples]:
    """Decode an open recording; arguments and samples are those of `blocks`.

    Channels are mixed by their mean as float32, then resampled, which gives the bits of a resampler
    that is given everything at once.

    Raises:
        Unreadable: nothing of it can be decoded, or it holds NaN or infinity.
    """
    with unbroken():  # its C++ aborts where an exception interrupts its loading
        import soxr

    most = None if max_duration is None else max(1, round(max_duration * source.rate))
    resampler = None
    if source.rate != sample_rate:
        resampler = soxr.ResampleStream(
            source.rate, sample_rate, 1, dtype="float32", quality=QUALITY
        )
    end = np.zeros(0, np.float32)
    frames = samples = 0
    for mono in itertools.chain(map(mix, source.blocks(most, size)), (end,)):
        if not np.isfinite(mono).all():
            raise Unreadable("NaN or infinity among its samples")
        frames += len(mono)
        if not frames:
            raise Unreadable("no samples")
        heard = mono
        if resampler is not None:
            heard = resampler.resample_chunk(mono, last=mono is end)
        samples += len(heard)
        if len(heard):
            yield to_int16(heard)
    if not samples:
        raise Unreadable(f"shorter than one sample at {sample_rate} Hz")

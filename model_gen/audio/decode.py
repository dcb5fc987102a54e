"""Audio files of any rate and channel count to int16 mono at the contract's rate."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.reading import kind_of
from model_gen.audio.formats import TAKEN
from model_gen.audio.source import Unreadable, open_source

_LOG = logging.getLogger("nightjar.audio")
QUALITY = "VHQ"  # soxr's; its output depends on nothing but its input


def to_int16(samples: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int16]:
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


def decode(
    path: Path, sample_rate: int, *, max_duration: float | None = None
) -> npt.NDArray[np.int16]:
    """Decode a recording of any format that libsndfile reads.

    Channels are mixed by their mean as float32, then resampled. Of a damaged file the good part is given, and a
    warning logged.

    Args:
        path: the file.
        sample_rate: of the result, in Hz.
        max_duration: seconds from the start that are used; None for all.

    Returns:
        int16 [samples], at least one sample.

    Raises:
        BadInput: the file is absent, empty, not audio, without a good part, or holds NaN or infinity.
    """
    if not path.is_file():
        raise _unreadable(path, kind_of(path.stat().st_mode) if path.exists() else "no such file")
    try:
        with open_source(path) as source:
            rate = source.rate
            most = None if max_duration is None else max(1, round(max_duration * rate))
            pieces = [mix(block) for block in source.blocks(most)]
            if source.damage:
                _LOG.warning("%s: %s", path, source.damage)
    except Unreadable as error:
        raise _unreadable(path, str(error)) from error
    mono = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    if len(mono) == 0:
        raise _unreadable(path, "no samples")
    if not np.isfinite(mono).all():
        raise _unreadable(path, "NaN or infinity among its samples")
    if rate != sample_rate:
        import soxr

        mono = soxr.resample(mono, rate, sample_rate, quality=QUALITY)
        if len(mono) == 0:
            raise _unreadable(path, f"shorter than one sample at {sample_rate} Hz")
    return to_int16(mono)


def _unreadable(path: Path, reason: str) -> BadInput:
    return BadInput(
        f"cannot decode {path}",
        evidence=f"Received: {reason}",
        next_step=f"replace or remove the file; {TAKEN} are read",
    )

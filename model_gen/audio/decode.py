"""Audio files of any rate and channel count to int16 mono at the contract's rate."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.reading import kind_of

EXTENSIONS = frozenset({".wav", ".flac", ".ogg", ".mp3"})
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


def decode(
    path: Path, sample_rate: int, *, max_duration: float | None = None
) -> npt.NDArray[np.int16]:
    """Decode a WAV, FLAC, OGG or MP3 file.

    Channels are mixed by their mean as float32, then resampled.

    Args:
        path: the file.
        sample_rate: of the result, in Hz.
        max_duration: seconds from the start that are used; None for all.

    Returns:
        int16 [samples], at least one sample.

    Raises:
        BadInput: the file is absent, empty, not audio, damaged, or holds NaN or infinity.
    """
    import soundfile
    import soxr

    if not path.is_file():
        raise _unreadable(path, kind_of(path.stat().st_mode) if path.exists() else "no such file")
    try:
        with soundfile.SoundFile(path) as file:
            rate = int(file.samplerate)
            wanted = -1 if max_duration is None else max(1, round(max_duration * rate))
            samples = file.read(wanted, dtype="float32", always_2d=True)
    except (
        soundfile.LibsndfileError,
        RuntimeError,
        OSError,
        ValueError,
        MemoryError,  # a damaged header may claim any length
    ) as error:
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error
    if len(samples) == 0:
        raise _unreadable(path, "no samples")
    mono: npt.NDArray[np.float32] = samples.mean(axis=1, dtype=np.float32)
    if not np.isfinite(mono).all():
        raise _unreadable(path, "NaN or infinity among its samples")
    if rate != sample_rate:
        mono = soxr.resample(mono, rate, sample_rate, quality=QUALITY)
        if len(mono) == 0:
            raise _unreadable(path, f"shorter than one sample at {sample_rate} Hz")
    return to_int16(mono)


def _unreadable(path: Path, reason: str) -> BadInput:
    return BadInput(
        f"cannot decode {path}",
        evidence=f"Received: {reason}",
        next_step="replace or remove the file; WAV, FLAC, OGG and MP3 are read",
    )

"""Clips by class and speaker, and the folds that leave one speaker out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.nearest import did_you_mean
from model_gen.evaluation.learning.conditions import RATE

# What --group-by finds the speaker with, in CLASS/SPEAKER_INDEX.wav.
SPEAKER = r"([^/]+)_[^/_]*$"
FEWEST = 3  # speakers: one to test, one to validate, one to train


@dataclass(frozen=True)
class Clip:
    """One recording: its path relative to the data folder with slashes, class and speaker; PCM int16 [samples]."""

    relative: str
    label: str
    speaker: str
    pcm: npt.NDArray[np.int16]


@dataclass(frozen=True)
class Fold:
    """Who is tested, who validates, and who trains."""

    test: str
    val: str
    train: tuple[str, ...]


def read_clips(root: Path) -> tuple[Clip, ...]:
    """The clips `root`/CLASS/SPEAKER_INDEX.wav, sorted by path.

    Raises:
        BadInput: the folder is absent, holds too few speakers, or a clip is no mono WAV of 8 kHz.
    """
    if not root.is_dir():
        raise BadInput(
            "expected a folder of class folders with clips named SPEAKER_INDEX.wav",
            evidence=f"Received: {root}, which is not a folder",
            next_step="give the folder of the Free Spoken Digit Dataset with --data-path",
        )
    clips = tuple(
        Clip(path.relative_to(root).as_posix(), path.parent.name, _speaker(path), _pcm(path))
        for path in sorted(root.glob("*/*.wav"))
        if "_" in path.stem
    )
    found = speakers_of(clips)
    if len(found) < FEWEST:
        raise BadInput(
            f"expected clips of at least {FEWEST} speakers: one tests, one validates, the others train",
            evidence=f"Received: {root} with {', '.join(found) or 'no clip named SPEAKER_INDEX.wav'}",
            next_step="give a folder with more speakers with --data-path",
        )
    return clips


def speakers_of(clips: Sequence[Clip]) -> tuple[str, ...]:
    """Their speakers, sorted."""
    return tuple(sorted({clip.speaker for clip in clips}))


def fold_of(speakers: Sequence[str], test: str) -> Fold:
    """The fold that tests `test`: the alphabetically next speaker validates, the first one after the last.

    Raises:
        BadInput: nobody is called so.
    """
    order = sorted(speakers)
    if test not in order:
        raise BadInput(
            f"--speakers must name speakers of the data: {', '.join(order)}",
            evidence=f"Received: {test!r}.{did_you_mean(test, order)}",
            next_step="name one of these, or leave --speakers out",
        )
    val = order[(order.index(test) + 1) % len(order)]
    return Fold(test, val, tuple(name for name in order if name not in (test, val)))


def digest_of(clips: Sequence[Clip]) -> str:
    """SHA-256 over the clips' paths and samples, in lower-case hex."""
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(f"{clip.relative} {len(clip.pcm)}\n".encode())
        digest.update(clip.pcm.astype("<i2").tobytes())
    return digest.hexdigest()


def _speaker(path: Path) -> str:
    return path.stem.rpartition("_")[0]


def _pcm(path: Path) -> npt.NDArray[np.int16]:
    import soundfile

    try:
        pcm, rate = soundfile.read(path, dtype="int16", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise _unfit(path, str(error)) from error
    if rate != RATE or pcm.shape[1] != 1 or not len(pcm):
        raise _unfit(path, f"{rate} Hz, {pcm.shape[1]} channels, {len(pcm)} samples")
    return np.ascontiguousarray(pcm[:, 0])


def _unfit(path: Path, received: str) -> BadInput:
    return BadInput(
        f"expected mono WAV clips of {RATE} Hz",
        evidence=f"Received: {path}: {received}",
        next_step="convert the clips, or give another folder with --data-path",
    )

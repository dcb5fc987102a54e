"""Chunks that are hard on a frontend, for tests."""

import numpy as np
import numpy.typing as npt

from host.installed import ROOT

RECORDINGS = ROOT / "../shared/data/fsdd"

Samples = npt.NDArray[np.int16]


def hard_chunks(samples: int, seed: int = 0) -> dict[str, Samples]:
    """Name -> int16 [samples]: silence, single steps, edges, extremes, tones, noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(samples)
    chunks: dict[str, npt.ArrayLike] = {
        "silence": np.zeros(samples),
        "constant of one step": np.ones(samples),
        "constant of minus one": -np.ones(samples),
        "lowest": np.full(samples, -32768),
        "highest": np.full(samples, 32767),
        "square": np.where(time // 8 % 2, 32767, -32768),
        "nyquist": np.where(time % 2, 32767, -32768),
        "tone": np.rint(32767 * np.sin(2 * np.pi * 0.0917 * time)),
        "tone on a bin": np.rint(32767 * np.cos(2 * np.pi * time / 16)),
        "noise of one step": rng.integers(-1, 2, samples),
        "noise": rng.integers(-32768, 32768, samples),
        "sweep": np.rint(20000 * np.sin(0.5 * np.pi * time**2 / samples)),
    }
    for place in (0, 1, samples // 3, samples - 1):
        for step in (1, -32768):
            impulse = np.zeros(samples)
            impulse[place] = step
            chunks[f"impulse of {step} at {place}"] = impulse
    return {name: np.asarray(chunk).astype(np.int16) for name, chunk in chunks.items()}


def real_chunks(samples: int, count: int = 3) -> list[Samples]:
    """The beginnings of a few recordings, int16 [samples], zeros behind; none where the shared data is absent."""
    import soundfile

    found = []
    for file in sorted(RECORDINGS.rglob("*.wav"))[::40][:count]:
        sound = soundfile.read(file, dtype="int16", always_2d=True)[0][:samples, 0]
        found.append(np.pad(sound, (0, samples - len(sound))))
    return found

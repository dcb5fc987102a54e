"""A tiny data set for tests: chirps up, chirps down and noise, told apart in seconds of training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from model_gen.data.geometry import frontend_contract

RATE = 8000
# What TINY hears.
CONTRACT = frontend_contract(
    name="hybrid",
    sample_rate=RATE,
    chunk_duration=0.5,
    fft_length=128,
    spec_width=32,
    compression="sqrt",
)
# Options of a training run that is quick on this data; keys of `TrainOptions`.
TINY = {
    "sample_rate": RATE,
    "chunk_duration": 0.5,
    "fft_length": 128,
    "spec_width": 32,
    "num_mels": 8,
    "alpha": 0.25,
    "depth_multiplier": 0.25,  # one block a stage: what such a run costs is mostly the graph of all blocks
    "embeddings_size": 16,
    "dropout": 0.1,
    "batch_size": 8,
    "epochs": 3,
    "learning_rate": 0.01,
    "freq_mask_max": 12,  # of 256 bins, and it hears 64
    "time_mask_max": 24,  # of 256 frames, and it hears 32
    "select": "ap",  # every epoch is judged
}


def write_tiny_dataset(root: Path, per_class: int = 6, seconds: float = 0.8) -> Path:
    """Folders down, Noise and up with `per_class` WAV files each, the same for the same arguments."""
    rng = np.random.default_rng(0)
    time = np.arange(int(RATE * seconds)) / RATE
    for folder in ("down", "Noise", "up"):
        (root / folder).mkdir(parents=True)
        for number in range(per_class):
            sound = rng.normal(0, 0.02, len(time))
            if folder != "Noise":
                slope = 1500 * (1 if folder == "up" else -1)
                start = 1000 if folder == "up" else 2800
                phase = np.cumsum(start + slope * (time % 0.4)) / RATE
                sound = sound + 0.3 * np.sin(2 * np.pi * (phase + rng.uniform()))
            soundfile.write(
                root / folder / f"{'ab'[number % 2]}{number}_{number // 2}.wav", sound, RATE
            )
    return root


def write_clips(root: Path, lengths: Sequence[int], folders: Sequence[str] = ("a", "b")) -> Path:
    """Folders with a WAV file of noise for each length in samples, no two of them alike."""
    rng = np.random.default_rng(1)
    for folder in folders:
        (root / folder).mkdir(parents=True)
        for number, length in enumerate(lengths):
            sound = rng.integers(-9000, 9000, length).astype(np.int16)
            soundfile.write(root / folder / f"{number}.wav", sound, RATE)
    return root

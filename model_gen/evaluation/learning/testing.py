"""What tests of the learning benchmark share: clips of a few speakers, and runs that were never made."""

from pathlib import Path

import numpy as np
import soundfile

from model_gen.evaluation.learning.conditions import CONDITIONS, RATE
from model_gen.evaluation.learning.result import FLOAT, Run

SPEAKERS = ("ada", "bo", "cy")
LABELS = ("high", "low")


def write_clips(root: Path, speakers: tuple[str, ...] = SPEAKERS, takes: int = 4) -> Path:
    """Tones in noise, of a pitch that the class decides and the speaker bends."""
    rng = np.random.default_rng(0)
    for label, pitch in zip(LABELS, (1800, 500), strict=True):
        (root / label).mkdir(parents=True)
        for number, speaker in enumerate(speakers):
            for take in range(takes):
                time = np.arange(int(rng.integers(2000, 5000))) / RATE
                tone = 0.3 * np.sin(2 * np.pi * (pitch + 30 * number) * time)
                sound = tone + 0.02 * rng.standard_normal(len(time))
                soundfile.write(root / label / f"{speaker}_{take}.wav", sound, RATE, "PCM_16")
    return root


def made_up(recipe: str, everywhere: float, **named: object) -> Run:
    """A run with the top-1 `everywhere` under each condition."""
    given = {
        "recipe": recipe,
        "version": "1",
        "data": "d",
        "test": "ada",
        "val": "bo",
        "seed": 1,
        "processor": 10.0,
        "wall": 5.0,
        "epochs": 40,
        "best_epoch": 30,
        "val_top1": everywhere,
        "top1": {FLOAT: dict.fromkeys(CONDITIONS, everywhere)},
    }
    return Run(**{**given, **named})  # type: ignore[arg-type]

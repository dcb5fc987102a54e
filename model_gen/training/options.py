"""What a training run is told, with the presets that give the defaults."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from host.errors import BadInput

# Defaults that later measurements recommend. A preset is one entry here; see `TrainOptions` for the meaning.
PRESETS: dict[str, dict[str, Any]] = {"release": {}}


@dataclass(frozen=True)
class TrainOptions:
    """One training run. The defaults are those of the preset `release`."""

    data_path_train: Path
    checkpoint_path: Path = Path("checkpoints/best_model.keras")
    # data
    max_samples: int | None = None  # files of a class at most
    max_classes: int | None = None  # the classes with most files
    upsample_ratio: float = 0.5  # minority classes repeated up to this share of the largest
    max_duration: float = 60.0  # seconds read of one file
    max_chunks_per_file: int = 3  # salient chunks
    val_split: float = 0.2
    test_split: float = 0.2
    group_by: str | None = None
    use_split_file: bool = True
    # frontend
    sample_rate: int = 24000  # Hz
    chunk_duration: float = 2.5  # seconds
    fft_length: int = 512
    spec_width: int = 256  # frames
    num_mels: int = 64
    audio_frontend: str = "hybrid"
    input_compression: str = "sqrt"
    mag_scale: str = "pwl"
    frontend_trainable: bool = False  # the mel mixer; batch norm and PWL always train
    # backbone
    alpha: float = 1.0
    depth_multiplier: float = 1.0
    embeddings_size: int = 256
    dropout: float = 0.5
    # augmentation
    mixup_alpha: float = 0.2
    mixup_probability: float = 0.25
    spec_augment: bool = True
    freq_mask_max: int = 8  # bins
    time_mask_max: int = 25  # frames
    # optimization
    optimizer: str = "adam"
    label_smoothing: float = 0.0
    grad_clip: float = 1.0  # global norm; 0 is off
    batch_size: int = 32
    epochs: int = 50
    learning_rate: float = 0.0005
    seed: int = 42
    # running
    num_workers: int = os.cpu_count() or 1  # threads that decode
    cache_dir: Path | None = None  # None: the cache `features`
    resume: bool = False

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise BadInput(
                    f"--{name.replace('_', '-')} must be from {low:g} to {high:g}",
                    evidence=f"Received: {value}",
                )
        if self.optimizer != "adam":
            raise BadInput("--optimizer must be adam", evidence=f"Received: {self.optimizer!r}")
        if self.checkpoint_path.suffix != ".keras":
            raise BadInput(
                "--checkpoint-path must end in .keras", evidence=f"Received: {self.checkpoint_path}"
            )

    def recipe(self) -> str:
        """JSON of everything that decides the weights besides the data: what a resumed run must share."""
        outside = (
            "data_path_train",
            "checkpoint_path",
            "num_workers",
            "cache_dir",
            "resume",
        )
        return json.dumps({k: v for k, v in asdict(self).items() if k not in outside}, default=str)


_LIMITS: dict[str, tuple[float, float]] = {
    "max_samples": (1, 1e9),
    "max_classes": (1, 1e6),
    "upsample_ratio": (0, 1),
    "max_duration": (0.01, 1e6),
    "max_chunks_per_file": (1, 1000),
    "mixup_alpha": (0.001, 1000),
    "mixup_probability": (0, 1),
    "freq_mask_max": (0, 1024),
    "time_mask_max": (0, 4096),
    "label_smoothing": (0, 0.5),
    "grad_clip": (0, 1e6),
    "batch_size": (1, 4096),
    "epochs": (1, 10000),
    "learning_rate": (1e-8, 10),
    "seed": (0, 2**31 - 1),
    "num_workers": (0, 256),
}

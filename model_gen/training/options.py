"""What a training run is told, with the presets that give the defaults."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from host.errors import BadInput
from host.nearest import did_you_mean
from model_gen.training.heads import HEADS, LOSS_NAMES

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
    max_duration: float = 60.0  # seconds read of one file; 0: all
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
    class_activation: str = "sigmoid"
    # augmentation
    mixup_alpha: float = 0.2
    mixup_probability: float = 0.25
    spec_augment: bool = True
    freq_mask_max: int = 8  # bins
    time_mask_max: int = 25  # frames
    # optimization
    loss: str = "auto"  # what the activation asks for: bce or cce
    focal_gamma: float = 2.0
    label_smoothing: float = 0.0
    class_weights: bool = False  # inverse frequency, on the positive term
    optimizer: str = "adam"
    weight_decay: float = 0.0
    l2: float = 0.0  # of kernels
    grad_clip: float = 1.0  # global norm; 0 is off
    batch_size: int = 32
    epochs: int = 50
    learning_rate: float = 0.0005
    warmup_epochs: int = 2  # a quarter of all epochs at most
    select: str = "ap"  # what the checkpoint's epoch is best at
    patience: int = 10  # epochs without a better one
    stopping: str = "late-patience"  # when they count: "patience" always, or late in the cosine
    mixed_precision: bool = False
    seed: int = 42
    # running
    num_workers: int = os.cpu_count() or 1  # threads that decode, and that make batches
    cache_dir: Path | None = None  # None: the cache `windows`
    resume: bool = False
    overwrite: bool = False
    callback: str | None = None  # package.module:factory
    tensorboard: Path | None = None  # folder of its logs

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise BadInput(
                    f"--{name.replace('_', '-')} must be from {low:g} to {high:g}",
                    evidence=f"Received: {value}",
                )
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise BadInput(
                    f"--{name.replace('_', '-')} must be one of {', '.join(choices)}",
                    evidence=f"Received: {value!r}{did_you_mean(value, choices)}",
                )
        if self.loss_name not in HEADS[self.class_activation]:
            head = next(head for head, losses in HEADS.items() if self.loss_name in losses)
            raise BadInput(
                f"--loss {self.loss} needs --class-activation {head}",
                evidence=f"Received: --class-activation {self.class_activation}",
            )
        if self.resume and self.overwrite:
            raise BadInput(
                "--resume and --overwrite exclude each other", evidence="Received: both of them"
            )
        if self.checkpoint_path.suffix != ".keras":
            raise BadInput(
                "--checkpoint-path must end in .keras", evidence=f"Received: {self.checkpoint_path}"
            )

    @property
    def loss_name(self) -> str:
        """The loss: `auto` is what the head is made for."""
        return HEADS[self.class_activation][0] if self.loss == "auto" else self.loss

    def recipe(self) -> dict[str, Any]:
        """Everything that decides the weights besides the data: what a resumed run must share.

        Values are as JSON gives them back.
        """
        outside = (
            "data_path_train",
            "checkpoint_path",
            "num_workers",
            "cache_dir",
            "resume",
            "overwrite",
            "tensorboard",
        )
        given = {k: v for k, v in asdict(self).items() if k not in outside}
        made: dict[str, Any] = json.loads(json.dumps(given, default=str))
        return made


_CHOICES: dict[str, tuple[str, ...]] = {
    "loss": LOSS_NAMES,
    "class_activation": tuple(HEADS),
    "optimizer": ("adam", "sgd", "adamw"),
    "select": ("loss", "ap", "roc-auc", "top1"),
    "stopping": ("patience", "late-patience"),
}
_LIMITS: dict[str, tuple[float, float]] = {
    "max_samples": (1, 1e9),
    "max_classes": (1, 1e6),
    "upsample_ratio": (0, 1),
    "max_duration": (0, 1e6),
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
    "warmup_epochs": (0, 10000),
    "patience": (1, 10000),
    "focal_gamma": (0, 100),
    "weight_decay": (0, 10),
    "l2": (0, 10),
    "seed": (0, 2**31 - 1),
    "num_workers": (0, 256),
}

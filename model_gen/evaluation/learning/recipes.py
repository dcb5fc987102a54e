"""The recipes that are held against each other."""

import hashlib
import json
from pathlib import Path
from typing import Any

from model_gen.evaluation.learning.conditions import RATE, WINDOW
from model_gen.evaluation.learning.speakers import SPEAKER, Fold
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of, preset

RECIPES = ("today", "reference", "release")
OURS = ("today", "release")  # those of `nightjar train`

# What the reference has too: 64 frames a second apart by 125 samples, 40 bands of mel.
GEOMETRY: dict[str, Any] = {
    "sample_rate": RATE,
    "chunk_duration": WINDOW / RATE,
    "fft_length": 256,
    "spec_width": 64,
    "num_mels": 40,
}
# `nightjar train` as it was before clips moved and were disturbed, whatever the defaults are by now.
TODAY: dict[str, Any] = {
    "upsample_ratio": 0.5,
    "max_duration": 60.0,
    "max_chunks_per_file": 3,
    "min_activity": 0.1,
    "multi_label": False,
    "n_mfcc": 20,
    "audio_frontend": "hybrid",
    "input_compression": "sqrt",
    "log1p_gain": 1024,
    "window_dc": "keep",
    "normalization": "minmax",
    "norm_low": 0.0,
    "percentile_low": 100,
    "percentile_high": 9950,
    "mag_scale": "pwl",
    "frontend_trainable": False,
    "frontend_form": "current",
    "backbone": "dscnn",
    "teacher_bands": 1,
    "spectrogram_part": "magnitude",
    "alpha": 1.0,
    "depth_multiplier": 1.0,
    "stage_widths": (32, 64, 128, 256),
    "stage_repeats": (2, 3, 4, 2),
    "depthwise_kernel": (3,),
    "embeddings_size": 256,
    "se": False,
    "se_reduction": 8,
    "inverted_residual": False,
    "expansion_factor": 2,
    "use_attention_pooling": False,
    "dropout": 0.5,
    "spatial_dropout": 0.1,
    "class_activation": "sigmoid",
    "mixup_alpha": 0.2,
    "mixup_probability": 0.25,
    "mixup_domain": "input",
    "placement": "fixed",
    "background_probability": 0.0,
    "mask_scaling": "absolute",
    "warp_max": 0.0,
    "speed_max": 0.0,
    "gain_db": 0.0,
    "noise_probability": 0.0,
    "noise_snr": (0, 30),
    "rain_probability": 0.0,
    "hum_probability": 0.0,
    "click_probability": 0.0,
    "dc_probability": 0.0,
    "spec_augment": True,
    "freq_mask_max": 8,
    "time_mask_max": 25,
    "loss": "auto",
    "focal_gamma": 2.0,
    "label_smoothing": 0.0,
    "class_weights": False,
    "optimizer": "adam",
    "weight_decay": 0.0,
    "l2": 0.0,
    "grad_clip": 1.0,
    "batch_size": 32,
    "epochs": 50,
    "learning_rate": 5e-4,
    "warmup_epochs": 2,
    "select": "ap",
    "validate_every": 1,
    "patience": 10,
    "stopping": "late-patience",
    "mixed_precision": False,
    "qat": False,
    "qat_mode": "faithful",
    "calibration_samples": 1024,
    "qat_bits": 8,
    "qat_per_tensor": False,
    "linear_probe": False,
    "teacher_weight": 0.5,
    "embedding_weight": 0.2,
}
# Raised when what the recipe does is changed, so that what was measured before is measured again.
_VERSIONS = {"today": "1", "reference": "2"}


def options_for(
    recipe: str, fold: Fold, seed: int, data: Path, folder: Path, epochs: int | None = None
) -> TrainOptions:
    """The options of `today` or `release`, which leaves all to the preset but geometry and head.

    Args:
        recipe: one of OURS.
        fold: who tests and validates.
        seed: of weights, order and augmentation.
        data: the data folder.
        folder: where everything that the run leaves is put.
        epochs: instead of the recipe's; for trials.
    """
    given = {
        **(TODAY if recipe == "today" else {"class_activation": "softmax"}),
        **GEOMETRY,
        "data_path_train": data,
        "group_by": SPEAKER,
        "test_group": (fold.test,),
        "val_group": (fold.val,),
        "seed": seed,
        "checkpoint_path": folder / "model.keras",
        "cache_dir": folder / "windows",
        "num_workers": 2,
        **({} if epochs is None else {"epochs": epochs}),
    }
    if recipe == "today":  # told by nobody: what counts for nothing is there, too
        return TrainOptions(**{**preset("release"), **given})
    return options_of("release", given)


def version_of(recipe: str, epochs: int | None = None) -> str:
    """What tells a recipe from another one of the same name: of `release`, a digest of its options."""
    version = _VERSIONS.get(recipe) or _release_version()
    return version if epochs is None else f"{version}, {epochs} epochs"


def _release_version() -> str:
    options = options_for("release", Fold("a", "b", ("c",)), 1, Path("data"), Path("out"))
    text = json.dumps(options.recipe(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

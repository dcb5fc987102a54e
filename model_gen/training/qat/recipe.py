"""What quantization-aware training has in place of a preset's defaults."""

from typing import Any

# Augmentation besides the placement of windows, and what else only a training from nothing has.
OFF: dict[str, Any] = {
    "background_probability": 0.0,
    "mixup_alpha": 0.0,
    "spec_augment": False,
    "warp_max": 0.0,
    "speed_max": 0.0,
    "gain_db": 0.0,
    "noise_probability": 0.0,
    "rain_probability": 0.0,
    "hum_probability": 0.0,
    "click_probability": 0.0,
    "dc_probability": 0.0,
    "label_smoothing": 0.0,
    "class_weights": False,
    "l2": 0.0,
    "mixed_precision": False,
}
_MODES: dict[str, dict[str, Any]] = {
    "faithful": {"epochs": 8, "learning_rate": 2e-5},
    "shadow": {"epochs": 10, "learning_rate": 1e-4},
}


def defaults(mode: str) -> dict[str, Any]:
    """Option -> default, of a mode of --qat-mode."""
    chosen = {"placement": "random", "warmup_epochs": 0, "select": "ap", "validate_every": 1}
    return {**OFF, **chosen, **_MODES[mode]}

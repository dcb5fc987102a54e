"""Why tuning draws nothing for an option of training that has no search range."""

from collections.abc import Iterator, Mapping

from model_gen.training.option import Option

_SIZE = "`--alpha` and `--depth-multiplier`, which are, scale the model"
_OF_A_PART = {
    "data": "all trials hear the same recordings",
    "run": "it decides nothing of the weights",
}
_OF_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "it decides what the board computes before the model": (
        *("sample_rate", "chunk_duration", "fft_length", "spec_width", "num_mels", "n_mfcc"),
        *("audio_frontend", "input_compression", "log1p_gain", "window_dc", "normalization"),
        *("norm_low", "percentile_low", "percentile_high", "mag_scale"),
        *("frontend_trainable", "frontend_form"),
    ),
    "a teacher is no alternative to a model for a board": (
        *("backbone", "teacher_bands", "spectrogram_part"),
    ),
    _SIZE: ("stage_widths", "stage_repeats", "depthwise_kernel"),
    "`--dropout` is": ("spatial_dropout",),
    "it decides what a score means": ("class_activation",),
    "it follows `--class-activation`": ("loss", "focal_gamma"),
    "`--mixup-alpha` is": ("mixup_probability", "mixup_domain"),
    "`--dropout` and `--mixup-alpha`, which are, regularize too": (
        *("spec_augment", "freq_mask_max", "time_mask_max", "mask_scaling"),
    ),
    "validation hears none of what it guards against": (
        *("placement", "background_probability", "warp_max", "speed_max", "gain_db"),
        *("noise_probability", "noise_snr", "noise_bank", "rain_probability"),
        *("hum_probability", "click_probability", "dc_probability"),
    ),
    "how much rare classes count is for you to say": ("class_weights",),
    "`--weight-decay` is": ("l2",),
    "all trials train as long, and are judged alike": (
        *("epochs", "warmup_epochs", "select", "validate_every", "patience", "stopping"),
    ),
    "it decides how fast a computer trains": ("mixed_precision",),
    "the luckiest seed is no better model": ("seed",),
    "it is code of your own": ("callback",),
    "it is of a model that is trained already": (
        *("qat", "qat_mode", "calibration_samples", "qat_bits", "qat_per_tensor", "linear_probe"),
    ),
    "it belongs to the teacher that is given": (
        *("teacher", "teacher_config", "teacher_weight", "embedding_weight"),
    ),
}


def reasons(one: Option) -> Iterator[str]:
    """Why an option is not searched, in words that follow "not searched: "; exactly one where it is not."""
    if one.declared.part in _OF_A_PART:
        yield _OF_A_PART[one.declared.part]
    yield from (why for why, names in _OF_OPTIONS.items() if one.name in names)

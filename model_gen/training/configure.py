"""The configuration of the model that a run's options ask for."""

from collections.abc import Sequence

from model_gen.models.backbones import record
from model_gen.models.config import ModelConfig
from model_gen.training.options import TrainOptions


def configure(options: TrainOptions, labels: Sequence[str]) -> ModelConfig:
    """The configuration for sorted `labels`, one logit each."""
    return ModelConfig(
        frontend=options.contract,
        labels=tuple(labels),
        max_duration=options.max_duration,
        max_chunks_per_file=options.max_chunks_per_file,
        audio_frontend=options.audio_frontend,
        spec_width=options.spec_width,
        num_mels=options.num_mels,
        mag_scale=options.mag_scale,
        frontend_trainable=options.frontend_trainable,
        frontend_form=options.frontend_form,
        backbone=options.backbone,
        options=record(options.backbone, options),
        class_activation=options.class_activation,
    )

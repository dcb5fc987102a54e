"""A new head on a trained backbone: `nightjar train --linear-probe`."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from model_gen.models.build import build_model
from model_gen.models.checkpoint import beside, load_checkpoint, weights_sha256
from model_gen.models.config import ModelConfig
from model_gen.models.embedding import HEAD
from model_gen.progress import line
from model_gen.training.options import TrainOptions
from model_gen.training.together import fitted, gave_way

PROBE = "probe.keras"  # beside the checkpoint that has the backbone


@dataclass(frozen=True)
class Backbone:
    """What a checkpoint has before its head, and how it listens."""

    model: Any
    config: ModelConfig

    @property
    def sha256(self) -> str:
        """Of all its weights, the head's too."""
        return weights_sha256(self.model)

    def configure(self, options: TrainOptions, labels: Sequence[str]) -> ModelConfig:
        """The configuration of the probe: another head, whose dropout is told.

        The blocks drop nothing: what is frozen computes as it will.
        """
        own = replace(self.config.options, dropout=options.dropout)
        if hasattr(own, "spatial_dropout"):
            own = replace(own, spatial_dropout=0.0)
        return replace(
            self.config,
            labels=tuple(labels),
            max_duration=options.max_duration,
            max_chunks_per_file=options.max_chunks_per_file,
            class_activation=options.class_activation,
            options=own,
        )

    def probe(self, config: ModelConfig, options: TrainOptions, *, mixed: bool = False) -> Any:
        """A model of `config` with these weights, of which the head alone trains."""
        made = build_model(config, seed=options.seed, mixed=mixed)
        for layer in self.model.layers:
            if layer.name != HEAD:
                twin = made.get_layer(layer.name) if layer.get_weights() else None
                if twin is not None:
                    twin.set_weights(layer.get_weights())
                    twin.trainable = False
        return made


def backbone_of(options: TrainOptions) -> tuple[TrainOptions, Backbone]:
    """The backbone that --checkpoint-path names, and the options of a run beside it that listens alike.

    Raises:
        BadInput: there is no such checkpoint, or it is damaged.
    """
    model, config = load_checkpoint(options.checkpoint_path)
    made = like(replace(options, checkpoint_path=beside(options.checkpoint_path, PROBE)), config)
    return made, Backbone(model, config)


def like(options: TrainOptions, config: ModelConfig) -> TrainOptions:
    """The options with those of a model; what does not go together with it gives way, and is told."""
    own = model_options(config)
    before = {one.name: getattr(options, one.name) for one in fields(options)} | own
    after = fitted(before, own)
    for told in gave_way(before, after):
        line(told)
    return TrainOptions(**after)


def model_options(config: ModelConfig) -> dict[str, Any]:
    """Options of training as a model's configuration has them, but those of its labels and head."""
    sound = config.frontend
    told = {
        "sample_rate": sound.sample_rate,
        "chunk_duration": sound.chunk_samples / sound.sample_rate,
        "input_compression": sound.compression,
        **({"n_mfcc": sound.mfcc} if sound.mfcc else {}),
    }
    alike = ("fft_length", "log1p_gain", "window_dc", "normalization", "norm_low")
    told |= {name: getattr(sound, name) for name in (*alike, "percentile_low", "percentile_high")}
    apart = {"frontend", "labels", "options", "class_activation", "max_duration"}
    apart |= {"max_chunks_per_file"}
    for of in (config, config.options):
        names = {one.name for one in fields(of)} - apart - {"dropout"}
        told |= {name: getattr(of, name) for name in sorted(names)}
    return told

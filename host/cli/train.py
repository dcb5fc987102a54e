"""`nightjar train`: recordings to a checkpoint."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from host.cli.common import Choice, json_option, say, subcommand, write_json


def _defaults(preset: str) -> dict[str, Any]:
    from dataclasses import MISSING, fields

    from model_gen.training.options import PRESETS, TrainOptions

    given = {f.name: f.default for f in fields(TrainOptions) if f.default is not MISSING}
    return {**given, **PRESETS[preset]}


def _option(name: str, kind: Any, text: str, **more: Any) -> Callable[[Any], Any]:
    """An option without a default of its own: what is not given comes from the preset."""
    return click.option(f"--{name}", type=kind, default=None, help=text, **more)


def _switch(name: str, text: str) -> Callable[[Any], Any]:
    return click.option(f"--{name}/--no-{name}", default=None, help=text)


@subcommand(
    context_settings={"token_normalize_func": lambda token: token.replace("_", "-")},
    short_help="Train a classifier on folders of recordings.",
)
@click.option(
    "--preset", type=Choice(["release"]), default="release", help="Where defaults come from."
)
@_option(
    "data-path-train", click.Path(path_type=Path), "Class folders of recordings.", required=True
)
@_option("checkpoint-path", click.Path(path_type=Path), "The .keras file to write.")
@_option("max-samples", int, "Recordings of a class at most.")
@_option("max-classes", int, "Keep the classes with most recordings.")
@_option("upsample-ratio", float, "Repeat minority classes up to this share of the largest.")
@_option("max-duration", float, "Seconds read of one recording.")
@_option("max-chunks-per-file", int, "Salient chunks taken from one recording.")
@_option("val-split", float, "Share of recordings for validation.")
@_option("test-split", float, "Share of recordings kept for testing.")
@_option("group-by", str, "Regular expression; its first group of the path is never split.")
@click.option(
    "--split-file/--no-split-file",
    "use_split_file",
    default=None,
    help="Honour a split.csv in the data folder (default; --group-by comes first).",
)
@_option("sample-rate", int, "Hz.")
@_option("chunk-duration", float, "Seconds that one inference hears.")
@_option("fft-length", int, "Samples of one FFT.")
@_option("spec-width", int, "Frames of a spectrogram; hop = chunk // spec-width.")
@_option("num-mels", int, "Bands of the mel mixer.")
@_option("audio-frontend", Choice(["hybrid"]), "What lies before the backbone.")
@_option("input-compression", Choice(["none", "sqrt"]), "Before the first int8 tensor.")
@_option("mag-scale", Choice(["pwl", "none"]), "Magnitude scaling.")
@_switch("frontend-trainable", "Train the mel mixer too.")
@_option("alpha", float, "Width of the backbone.")
@_option("depth-multiplier", float, "Repeats of the backbone's blocks.")
@_option("embeddings-size", int, "Channels before the head.")
@_option("dropout", float, "Before the head.")
@_option("mixup-alpha", float, "Of the Dirichlet distribution.")
@_option("mixup-probability", float, "Share of a batch that is mixed.")
@_switch("spec-augment", "Mask bands and frames.")
@_option("freq-mask-max", int, "Bins of one mask at most.")
@_option("time-mask-max", int, "Frames of one mask at most.")
@_option("class-activation", Choice(["sigmoid", "softmax"]), "Of the model's output.")
@_option("loss", Choice(["auto", "bce", "cce", "focal"]), "auto: bce, or cce under softmax.")
@_option("focal-gamma", float, "How little the focal loss counts what is right already.")
@_switch("class-weights", "Weigh the positive term of rare classes more.")
@_option("optimizer", Choice(["adam", "sgd", "adamw"]), "Optimizer.")
@_option("weight-decay", float, "Of kernels, decoupled from the gradient.")
@_option("l2", float, "Of kernels, in the loss.")
@_option("warmup-epochs", int, "In which the rate rises; a quarter of all at most.")
@_option("select", Choice(["loss", "ap", "roc-auc", "top1"]), "What the best epoch is best at.")
@_option("patience", int, "Epochs without a better one before training stops.")
@_option(
    "stopping", Choice(["patience", "late-patience"]), "late: counted in the last third alone."
)
@_switch("mixed-precision", "Compute in float16.")
@_option("callback", str, "package.module:factory of Keras callbacks of your own.")
@_option("tensorboard", click.Path(path_type=Path), "Folder for TensorBoard's logs.")
@_option("label-smoothing", float, "Share taken from hard labels.")
@_option("grad-clip", float, "Global norm; 0 is off.")
@_option("batch-size", int, "Chunks a step.")
@_option("epochs", int, "At most.")
@_option("learning-rate", float, "Peak, after the warm-up.")
@_option("seed", int, "Of split, weights, order and augmentation.")
@_option("num-workers", int, "Threads that decode; 0 is one.")
@_option("cache-dir", click.Path(path_type=Path), "Where windows are kept.")
@click.option("--resume", is_flag=True, default=None, help="Go on from the train state.")
@click.option("--overwrite", is_flag=True, default=None, help="Train anew where a run is there.")
@json_option
def command(preset: str, json_path: str | None, **given: Any) -> None:
    """Train a classifier on class folders of WAV, FLAC, OGG or MP3 recordings.

    Folders named noise, silence, background or other teach rejection. Option names may be written with underscores.
    Beside the checkpoint: model configuration, labels, split, history, curves and train state.
    """
    from model_gen.training.options import TrainOptions

    chosen = {name: value for name, value in given.items() if value is not None}
    options = TrainOptions(**{**_defaults(preset), **chosen})
    from model_gen.training.run import train  # after the options: TensorFlow takes its seconds

    result = train(options)
    progress = result.progress
    best = progress.history[progress.best_epoch - 1]
    say(
        f"{options.checkpoint_path}: epoch {best.epoch} of {len(progress.history)}, validation loss "
        f"{best.val_loss:.4f}, AP {best.val_ap:.4f}, ROC-AUC {best.val_roc_auc:.4f}; "
        f"{len(result.skipped)} recordings skipped; "
        f"weights {result.weights_sha256[:16]}",
        json_path,
    )
    write_json(
        json_path,
        {
            "schema": "nightjar/train/1",
            "checkpoint": str(options.checkpoint_path),
            "labels": list(result.config.labels),
            "parameters": result.parameters,
            "recordings": result.recordings,
            "chunks": result.chunks,
            "skipped": [{"path": s.path, "reason": s.reason} for s in result.skipped],
            "epochs": len(progress.history),
            "best_epoch": best.epoch,
            "val_loss": best.val_loss,
            "val_ap": _known(best.val_ap),
            "val_roc_auc": _known(best.val_roc_auc),
            "val_top1": _known(best.val_top1),
            "weights_sha256": result.weights_sha256,
        },
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value

"""`nightjar train`: recordings to a checkpoint."""

import math
import os
from typing import Any

import click

from host.cli.common import json_option, say, subcommand, write_json
from host.cli.parameters import Choice, Sectioned
from host.cli.table_options import FIRST, of_table, renamed
from model_gen.training.devices import check_alone
from model_gen.training.presets import PRESETS, gave_way, options_of


@subcommand(
    context_settings={"token_normalize_func": renamed},
    short_help="Train a classifier on folders of recordings.",
    epilog="docs/training-options.md has the range of each option, and its earlier names.",
)
@click.option(
    "--preset",
    cls=Sectioned,
    section=FIRST,
    type=Choice(PRESETS),
    default="release",
    show_default=True,
    help="Where the defaults of all other options come from.",
)
@of_table()
@json_option
def command(preset: str, json_path: str | None, **given: Any) -> None:
    """Train a classifier on class folders of recordings, of any format that libsndfile reads.

    Folders named noise, silence, background or other teach rejection. Option names may be written with underscores.
    Beside the checkpoint: model configuration, labels, split, history, curves and train state.
    """
    options = options_of(preset, given)
    for note in gave_way(preset, given):
        say(note, json_path)
    if options.tune:
        from host.cli.train_tune import tune

        tune(preset, given, json_path)
        return
    check_alone(os.environ)
    from model_gen.training.run import train  # after the options: TensorFlow takes its seconds

    result = train(options)
    progress = result.progress
    best = progress.best
    assert best is not None
    done = f"{len(progress.history)}"
    if not progress.finished:
        done += f" (unfinished: {options.epochs} in all)"
    judged = (
        f"validation loss {best.val_loss:.4f}, AP {best.val_ap:.4f}, ROC-AUC {best.val_roc_auc:.4f}"
        if best.judged
        else "not validated"
    )
    say(
        f"{result.checkpoint}: epoch {best.epoch} of {done}, {judged}; "
        f"{len(result.skipped)} recordings skipped; "
        f"weights {result.weights_sha256[:16]}",
        json_path,
    )
    write_json(
        json_path,
        {
            "schema": "nightjar/train/1",
            "checkpoint": str(result.checkpoint),
            "labels": list(result.config.labels),
            "parameters": result.parameters,
            "recordings": result.recordings,
            "chunks": result.chunks,
            "skipped": [{"path": s.path, "reason": s.reason} for s in result.skipped],
            "epochs": len(progress.history),
            "finished": progress.finished,
            "best_epoch": best.epoch,
            "val_loss": _known(best.val_loss),
            "val_ap": _known(best.val_ap),
            "val_roc_auc": _known(best.val_roc_auc),
            "val_top1": _known(best.val_top1),
            "weights_sha256": result.weights_sha256,
        },
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value

"""Whether a run may begin where its checkpoint is to lie: anew, or from the state that is there."""

import os
from pathlib import Path

from host.errors import BadInput
from model_gen.models.checkpoint import beside, load_checkpoint
from model_gen.models.config import ModelConfig, config_path, load_config
from model_gen.training.options import TrainOptions
from model_gen.training.state import ANEW, State, read_state

GROWS = "epochs"  # the one option that a resumed run may raise


def state_path(checkpoint: Path) -> Path:
    """Where the train state of a checkpoint lies."""
    return beside(checkpoint, "train_state.npz")


def state_to_resume(options: TrainOptions) -> State | None:
    """The state that the run goes on from, or None for a new run. Nothing is decoded for it.

    Raises:
        BadInput: nothing can be written there; a run is there already; or the state or the
            checkpoint to go on from is missing, damaged, or of other options, which are named.
    """
    checkpoint = options.checkpoint_path
    _check_place(checkpoint)
    if not options.resume:
        there = next((p for p in (checkpoint, state_path(checkpoint)) if p.exists()), None)
        if there is not None and not options.overwrite:
            raise BadInput(
                "a run that is there is not overwritten",
                evidence=f"Received: {there}, which exists",
                next_step="--resume goes on, --overwrite trains anew; or give another --checkpoint-path",
            )
        return None
    state = read_state(state_path(checkpoint))
    _check_recipe(state, options)
    if state.head.progress.best_epoch:
        load_checkpoint(checkpoint)
    return state


def check_same(state: State | None, checkpoint: Path, config: ModelConfig, data: str) -> None:
    """Refuse to go on with other recordings than the run's, or beside another model's files.

    Raises:
        BadInput: the digest of the recordings, or the configuration beside the checkpoint, differs.
    """
    if state is None:
        return
    if state.head.data != data:
        raise BadInput(
            "--resume needs the recordings that the run began with",
            evidence=f"Received: others in train or val than {state.path} was trained on",
            next_step=f"restore the recordings, or {ANEW}",
        )
    if state.head.progress.best_epoch and load_config(checkpoint) != config:
        raise BadInput(
            "--resume needs the model configuration that the run began with",
            evidence=f"Received: {config_path(checkpoint)}, which is of another model",
            next_step=f"restore the file, or {ANEW}",
        )


def _check_place(checkpoint: Path) -> None:
    """Refuse a path where no checkpoint can be written, before hours of training."""
    above = next(folder for folder in checkpoint.absolute().parents if folder.exists())
    wrong = ""
    if checkpoint.is_dir():
        wrong = f"{checkpoint}, which is a folder"
    elif not above.is_dir():
        wrong = f"{checkpoint}, and {above} is no folder"
    elif not os.access(above, os.W_OK | os.X_OK):
        wrong = f"{checkpoint}, and {above} may not be written to"
    if wrong:
        raise BadInput(
            "--checkpoint-path must be a file that can be written",
            evidence=f"Received: {wrong}",
            next_step="give a path in a folder of your own, as runs/first/best_model.keras",
        )


def _check_recipe(state: State, options: TrainOptions) -> None:
    old, new = state.head.recipe, options.recipe()
    absent = "absent"
    differing = {
        name: (old.get(name, absent), new.get(name, absent))
        for name in sorted({*old, *new})
        if old.get(name, absent) != new.get(name, absent)
    }
    if GROWS in differing and differing[GROWS][1] > differing[GROWS][0]:
        differing.pop(GROWS)
    if differing:
        raise BadInput(
            "--resume needs the options that the run began with; --epochs alone may grow",
            evidence="Received: "
            + ", ".join(
                f"--{name.replace('_', '-')} {new}, which was {old}"
                for name, (old, new) in differing.items()
            ),
            next_step=f"give the same options, or {ANEW}",
        )

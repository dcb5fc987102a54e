"""Whether a run may begin where its checkpoint is to lie: anew, or from the state that is there."""

import os
from pathlib import Path

from host.errors import BadInput
from host.places import check_files, check_folder
from model_gen.models.checkpoint import beside, load_checkpoint, weights_sha256
from model_gen.models.config import ModelConfig, config_path
from model_gen.training.options import TrainOptions
from model_gen.training.state import ANEW, State, read_state
from model_gen.training.stopping import ended

GROWS = "epochs"  # the one option that a resumed run may raise


def state_path(checkpoint: Path) -> Path:
    """Where the train state of a checkpoint lies."""
    return beside(checkpoint, "train_state.npz")


def files_of(checkpoint: Path) -> tuple[Path, ...]:
    """Every file that a run leaves: the checkpoint, and what lies beside it."""
    names = ("labels.txt", "split.csv", "calibration.csv", "history.csv", "curves.png")
    return (
        checkpoint,
        config_path(checkpoint),
        *(beside(checkpoint, name) for name in names),
        state_path(checkpoint),
    )


def state_to_resume(options: TrainOptions) -> State | None:
    """The state that the run goes on from, or None for a new run. Nothing is decoded for it.

    Raises:
        BadInput: nothing can be written there; a run is there already; or the state or the
            checkpoint to go on from is missing, damaged, or of other options, which are named.
    """
    checkpoint = options.checkpoint_path
    _check_places(options)
    if not options.resume:
        there = next((path for path in files_of(checkpoint) if os.path.lexists(path)), None)
        if there is not None and not options.overwrite:
            raise BadInput(
                "a run that is there is not overwritten",
                evidence=f"Received: {there}, which exists",
                next_step="--resume goes on, --overwrite trains anew; or give another --checkpoint-path",
            )
        return None
    state = read_state(state_path(checkpoint))
    _check_recipe(state, options)
    _check_patience(state, options)
    _check_checkpoint(state, checkpoint)
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
            evidence=f"Received: other recordings, labels, recordists or splits than {state.path} "
            "was trained on",
            next_step=f"restore them, or {ANEW}",
        )
    if ModelConfig.read(config_path(checkpoint)) != config:
        raise BadInput(
            "--resume needs the model configuration that the run began with",
            evidence=f"Received: {config_path(checkpoint)}, which is of another model",
            next_step=f"restore the file, or {ANEW}",
        )


def _check_places(options: TrainOptions) -> None:
    """Refuse places where what the run leaves cannot be written, before hours of training."""
    check_files("--checkpoint-path", files_of(options.checkpoint_path))
    check_folder("--cache-dir", options.cache_dir)
    check_folder("--tensorboard", options.tensorboard)


def _check_patience(state: State, options: TrainOptions) -> None:
    """Refuse to let a run grow whose patience is at its end under the new number of epochs, too."""
    progress, before = state.head.progress, state.head.recipe[GROWS]
    done = len(progress.history)
    if options.epochs > before and ended(options, done, progress.best_epoch):
        raise BadInput(
            "more --epochs do not prolong a run that --patience has ended",
            evidence=f"Received: --epochs {options.epochs} for a run that ended after epoch {done} of "
            f"{before}: its best was epoch {progress.best_epoch}, with --patience {options.patience} "
            f"and --stopping {options.stopping}",
            next_step=f"leave --epochs as it was; or {ANEW}, with a larger --patience",
        )


def _check_checkpoint(state: State, checkpoint: Path) -> None:
    """Refuse another checkpoint than that of the run's best epoch.

    Where the best epoch is the last one, the state has these weights, too, and they are written again
    in the place of what was there when the state was written: a run may have been killed after that.
    """
    head = state.head
    right = {head.weights}
    if head.progress.best_epoch == len(head.progress.history):
        right.add(head.replaces)
    there = checkpoint.exists()
    if (weights_sha256(load_checkpoint(checkpoint)[0]) if there else "") in right:
        return
    told = (
        f"whose weights are not those of the run's epoch {head.progress.best_epoch}"
        if there
        else "which does not exist"
    )
    raise BadInput(
        "--resume needs the checkpoint that the run wrote",
        evidence=f"Received: {checkpoint}, {told}",
        next_step=f"restore the file, or {ANEW}",
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

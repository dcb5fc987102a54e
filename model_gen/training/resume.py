"""Whether a run may begin where its checkpoint is to lie: anew, or from the state that is there."""

from pathlib import Path

from host.errors import BadInput
from model_gen.models.checkpoint import beside, load_checkpoint
from model_gen.training.options import TrainOptions
from model_gen.training.state import State, read_state

GROWS = "epochs"  # the one option that a resumed run may raise


def state_path(checkpoint: Path) -> Path:
    """Where the train state of a checkpoint lies."""
    return beside(checkpoint, "train_state.npz")


def state_to_resume(options: TrainOptions) -> State | None:
    """The state that the run goes on from, or None for a new run. Nothing is decoded for it.

    Raises:
        BadInput: a run is there already; or the state or the checkpoint to go on from is missing,
            damaged, or of other options, which are named.
    """
    checkpoint = options.checkpoint_path
    if not options.resume:
        there = next((p for p in (checkpoint, state_path(checkpoint)) if p.exists()), None)
        if there is not None and not options.overwrite:
            raise BadInput(
                "a run that is there is not overwritten",
                evidence=f"Received: {there}, which exists",
                next_step="give --resume to go on, --overwrite to train anew, or another --checkpoint-path",
            )
        return None
    state = read_state(state_path(checkpoint))
    _check_recipe(state, options)
    if state.head.progress.best_epoch:
        load_checkpoint(checkpoint)
    return state


def check_data(state: State | None, data: str) -> None:
    """Refuse to go on with other recordings than the run began with.

    Raises:
        BadInput: they differ.
    """
    if state is not None and state.head.data != data:
        raise BadInput(
            "--resume needs the recordings that the run began with",
            evidence=f"Received: others in train or val than {state.path} was trained on",
            next_step="restore the recordings, or give --overwrite without --resume to train anew",
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
            next_step="give the same options, or --overwrite without --resume to train anew",
        )

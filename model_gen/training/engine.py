"""A training run on `keras.Model.fit`: the training is Keras's, judging and keeping are ours."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from host.errors import BadInput, HostFailure
from model_gen.data.features import Chunks
from model_gen.progress import Bar, bar, line, warn
from model_gen.runtime import tensorflow
from model_gen.training.allocator import keep_freed_memory
from model_gen.training.batch import Batches
from model_gen.training.devices import check_strategy
from model_gen.training.extensions import CallbackFailed
from model_gen.training.judge import Judge
from model_gen.training.keeper import Keeper
from model_gen.training.losses import class_weights, loss_of
from model_gen.training.optimizers import optimizer_of
from model_gen.training.options import TrainOptions
from model_gen.training.resume import state_path
from model_gen.training.schedule import Schedule
from model_gen.training.state import EpochResult, Head, Progress, State
from model_gen.training.steps import STEPS, step_of
from model_gen.training.stopping import ended

GOES_ON = "the same command with --resume"


def fit(
    model: Any,
    kept: Any,
    train: Batches,
    val: Chunks,
    labels: tuple[str, ...],
    options: TrainOptions,
    data: str,
    companions: dict[Path, bytes],
    *,
    state: State | None = None,
    callbacks: tuple[Any, ...] = (),
    stop_after: int | None = None,
    refined: "Refined | None" = None,
) -> Progress:
    """Train `model`; the checkpoint, of `kept`, holds the epoch that `options.select` chooses.

    State, history and checkpoint are written after each epoch, so that a run that was cut off
    continues from `state` to the same weights.

    Args:
        kept: the model that is judged and saved: `model`, or one in float32 of its architecture,
            which takes its weights.
        data: digest of the recordings, for the state.
        companions: files that are written with the first checkpoint.
        callbacks: Keras's, which follow ours; `goes_on` of one says which command goes on with an
            interrupted run, instead of GOES_ON.
        stop_after: leave after that epoch, as an interruption would.
        refined: of a model that was trained before, what learns and judges instead.

    Raises:
        BadInput: numbers did not stay finite, a batch cannot be made, or a callback fails or ends
            the first epoch before its end.
    """
    check_strategy(options.batch_size)
    loss = loss_of(options, len(labels))
    positive = class_weights(train.positives()) if options.class_weights else None
    if refined is None:
        step = STEPS[step_of(options)]
        learner = step(model, loss, positive, options, train.embedding_size)
    else:
        learner = refined.learner
    own = learner.own_variables
    optimizer = optimizer_of(options, [*model.trainable_variables, *own])
    learner.compile(optimizer=optimizer, jit_compile=False, auto_scale_loss=False)
    variables = list({id(v): v for v in (*model.variables, *own, *optimizer.variables)}.values())
    first = refined.before() if refined is not None and state is None else None
    head = Head(options.recipe(), data, Progress(before=first))
    if state is not None:
        state.restore(variables)
        progress = state.head.progress
        over = ended(options, len(progress.history), progress.best_epoch)
        head = replace(state.head, recipe=head.recipe, progress=replace(progress, finished=over))
    schedule = Schedule(options, len(train))
    keeper = Keeper(
        Judge(val, labels, loss, options) if refined is None else refined.judge,
        schedule,
        options,
        head,
        variables,
        companions,
        kept,
        model,
        stop_after,
    )
    if state is not None:
        keeper.set_model(learner)
        keeper.mend()
        if head.progress.finished:
            return head.progress
    elif first is not None:
        keeper.begin()
    show = Show(options.epochs, len(train))
    tf = tensorflow()
    held = state_path(options.checkpoint_path)
    began = held.stat().st_mtime_ns if held.is_file() and state is None else None
    try:
        learner.fit(
            train,
            epochs=options.epochs,
            initial_epoch=len(head.progress.history),
            callbacks=[Begin(train), schedule, show, keeper, *callbacks],
            shuffle=False,  # the order of batches is theirs
            verbose=0,
        )
    except CallbackFailed as failure:
        again = "train again" if not keeper.head.progress.history else "go on with --resume"
        raise BadInput(
            "a callback must leave training to go on",
            evidence=f"Received: {failure}",
            next_step=f"mend the callback, then {again}",
        ) from failure.__cause__
    except KeyboardInterrupt:
        if held.is_file() and held.stat().st_mtime_ns != began:  # and not an earlier run's
            line(
                f"the epochs that ended are kept beside {options.checkpoint_path}: "
                f"{next((c.goes_on for c in callbacks if hasattr(c, 'goes_on')), GOES_ON)} goes on"
            )
        raise
    except tf.errors.OpError as error:
        train.raise_failure(error)
        raise HostFailure(
            "TensorFlow ended the training",
            evidence=f"{type(error).__name__}: {str(error)[-800:]}",
            next_step="free memory, or use a smaller --batch-size",
        ) from error
    finally:
        show.close()
    progress = keeper.head.progress
    if not progress.history:
        raise BadInput(
            "a callback must leave an epoch to training: nothing was written",
            evidence=f"Received: --callback {options.callback}, which ended the first epoch early",
            next_step="let the callback end training at the end of an epoch",
        )
    done = len(progress.history)
    if not progress.finished and done != stop_after:
        warn(
            f"--callback {options.callback} ended training: the run is unfinished, with {done} of "
            f"{options.epochs} epochs, and --resume goes on"
        )
    return progress


@dataclass(frozen=True)
class Refined:
    """How a model is trained further that was trained before.

    Attributes:
        learner: what is fitted, with `own_variables` as a step of STEPS has them.
        judge: of an epoch's weights.
        before: gives the row of epoch 0, which is kept if nothing is better.
    """

    learner: Any
    judge: Judge
    before: Callable[[], EpochResult]


class Begin(keras.callbacks.Callback):  # type: ignore[misc]
    """Makes ready what an epoch is trained with: batches, which are told its number, and memory."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._batches.begin(epoch + 1)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch == 0:  # the epoch's dataset is there by now
            keep_freed_memory()


class Show(keras.callbacks.Callback):  # type: ignore[misc]
    """A bar an epoch; without a terminal a line now and then."""

    def __init__(self, epochs: int, steps: int) -> None:
        super().__init__()
        self._epochs, self._steps = epochs, steps
        self._stack = ExitStack()
        self._show: Bar | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        title = f"epoch {epoch + 1}/{self._epochs}"
        self._show = self._stack.enter_context(bar(title, self._steps, plain=False))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        assert self._show is not None
        self._show(batch + 1, f"loss {logs['loss']:.4f}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._stack.close()

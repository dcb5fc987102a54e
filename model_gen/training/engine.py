"""A training run on `keras.Model.fit`: the training is Keras's, judging and keeping are ours."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import keras

from host.errors import HostFailure
from model_gen.data.features import Chunks
from model_gen.progress import Bar, bar
from model_gen.runtime import tensorflow
from model_gen.training.allocator import keep_freed_memory
from model_gen.training.batch import Batches
from model_gen.training.judge import Judge
from model_gen.training.keeper import Keeper
from model_gen.training.losses import class_weights, loss_of
from model_gen.training.optimizers import optimizer_of
from model_gen.training.options import TrainOptions
from model_gen.training.schedule import Schedule
from model_gen.training.state import Head, Progress, State
from model_gen.training.steps import STEPS
from model_gen.training.stopping import ended


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
) -> Progress:
    """Train `model`; the checkpoint, of `kept`, holds the epoch that `options.select` chooses.

    State, history and checkpoint are written after each epoch, so that a run that was cut off
    continues from `state` to the same weights.

    Args:
        kept: the model that is judged and saved: `model`, or one in float32 of its architecture,
            which takes its weights.
        data: digest of the recordings, for the state.
        companions: files that are written with the first checkpoint.
        callbacks: Keras's, which follow ours.
        stop_after: leave after that epoch, as an interruption would.

    Raises:
        BadInput: numbers did not stay finite, or a batch cannot be made.
    """
    loss = loss_of(options, len(labels))
    positive = class_weights(train.positives()) if options.class_weights else None
    learner = STEPS["supervised"](model, loss, positive, options.l2)
    optimizer = optimizer_of(options, model.trainable_variables)
    learner.compile(optimizer=optimizer, jit_compile=False, auto_scale_loss=False)
    variables = list({id(v): v for v in (*model.variables, *optimizer.variables)}.values())
    progress = Progress()
    if state is not None:
        state.restore(variables)
        progress = state.head.progress
        if ended(options, len(progress.history), progress.best_epoch):
            return progress
    schedule = Schedule(options, len(train))
    keeper = Keeper(
        Judge(val, labels, loss, options),
        schedule,
        options,
        Head(options.recipe(), data, progress),
        variables,
        companions,
        kept,
        stop_after,
    )
    show = Show(options.epochs, len(train))
    tf = tensorflow()
    try:
        learner.fit(
            train,
            epochs=options.epochs,
            initial_epoch=len(progress.history),
            callbacks=[Begin(train), schedule, show, keeper, *callbacks],
            shuffle=False,  # the order of batches is theirs
            verbose=0,
        )
    except tf.errors.OpError as error:
        train.raise_failure(error)
        raise HostFailure(
            "TensorFlow ended the training",
            evidence=f"{type(error).__name__}: {str(error)[-800:]}",
            next_step="free memory, or use a smaller --batch-size",
        ) from error
    finally:
        show.close()
    return keeper.head.progress


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

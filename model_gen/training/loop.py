"""The training loop: binary cross-entropy from logits, Adam, warm-up and cosine, early stopping, resumable."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.files import write_atomically
from model_gen.data.dataset import targets
from model_gen.data.features import Chunks
from model_gen.evaluation.metrics import macro_roc_auc
from model_gen.training.batches import TrainBatches
from model_gen.training.checkpoint import beside, save_checkpoint
from model_gen.training.curves import curves_png
from model_gen.training.options import TrainOptions
from model_gen.training.predict import predict_logits
from model_gen.training.progress import bar, line
from model_gen.training.runtime import tensorflow
from model_gen.training.schedule import learning_rate
from model_gen.training.state import EpochResult, Progress, history_csv, load_state, save_state

PATIENCE = 10  # epochs without a lower validation loss


def state_path(checkpoint: Path) -> Path:
    """Where the train state of a checkpoint lies."""
    return beside(checkpoint, "train_state.npz")


def fit(
    model: Any,
    train: Chunks,
    val: Chunks,
    labels: tuple[str, ...],
    options: TrainOptions,
    fingerprint: str,
    companions: dict[Path, bytes],
    *,
    stop_after: int | None = None,
) -> Progress:
    """Train `model`; the checkpoint holds the epoch with the lowest validation loss.

    State, history and checkpoint are written after each epoch, so that a run that was cut off continues from there to
    the same weights. `companions` are written with the first checkpoint. `stop_after` leaves after that epoch, as an
    interruption would.
    """
    batches = TrainBatches(train, labels, options)
    optimizer = _optimizer(options)
    optimizer.build(model.trainable_variables)
    step = _train_step(model, optimizer)
    variables = [*model.variables, *optimizer.variables]
    variables = list({id(v): v for v in variables}.values())
    checkpoint = options.checkpoint_path
    progress = Progress(fingerprint)
    if options.resume:
        progress = load_state(state_path(checkpoint), variables, fingerprint)
    wanted = targets(val.recordings, labels)[val.owner]
    while not progress.finished:
        number = len(progress.history) + 1
        loss, rate = _epoch(step, optimizer, batches, options, number)
        logits = predict_logits(model, val, batch_size=options.batch_size)
        result = EpochResult(
            number, rate, loss, _bce(logits, wanted), macro_roc_auc(wanted, logits)
        )
        progress = replace(progress, history=(*progress.history, result))
        if result.val_loss < progress.best_val_loss:
            if not progress.best_epoch:
                for path, content in companions.items():
                    write_atomically(path, content)
            progress = replace(progress, best_epoch=number)
            save_checkpoint(model, checkpoint)
        waited = number - progress.best_epoch
        progress = replace(progress, finished=number >= options.epochs or waited >= PATIENCE)
        line(
            f"epoch {number}/{options.epochs}: loss {loss:.4f}, validation loss {result.val_loss:.4f}, "
            f"ROC-AUC {result.val_roc_auc:.4f}, learning rate {rate:.2e}"
            + (" *" if progress.best_epoch == number else "")
        )
        write_atomically(beside(checkpoint, "history.csv"), history_csv(progress.history).encode())
        save_state(state_path(checkpoint), variables, progress)
        if number == stop_after:
            break
    picture = curves_png(progress.history, progress.best_epoch)
    write_atomically(beside(checkpoint, "curves.png"), picture)
    return progress


def _epoch(
    step: Any, optimizer: Any, batches: TrainBatches, options: TrainOptions, number: int
) -> tuple[float, float]:
    """Train one epoch; return the mean loss over chunks and the last learning rate."""
    total, seen, rate = 0.0, 0, 0.0
    batches.begin(number)
    steps, e = len(batches), options.label_smoothing
    with bar(f"epoch {number}/{options.epochs}", steps, plain=False) as show:
        for i in range(steps):
            batch = batches.batch(i)
            x, y = batch.inputs, (batch.targets * (1 - e) + e / 2).astype(np.float32)
            rate = learning_rate(
                (number - 1) * steps + i,
                peak=options.learning_rate,
                steps_per_epoch=steps,
                epochs=options.epochs,
            )
            optimizer.learning_rate.assign(rate)
            total += float(step(x, y)) * len(x)
            seen += len(x)
            show(i + 1, f"loss {total / seen:.4f}")
    return total / seen, rate


def _optimizer(options: TrainOptions) -> Any:
    import keras

    return keras.optimizers.Adam(
        options.learning_rate, global_clipnorm=options.grad_clip or None, name="adam"
    )


def _train_step(model: Any, optimizer: Any) -> Any:
    tf = tensorflow()

    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    inputs = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
    return tf.function(
        step, input_signature=[inputs, tf.TensorSpec((None, model.output_shape[-1]), tf.float32)]
    )


def _bce(logits: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32]) -> float:
    z = logits.astype(np.float64)
    return float(np.mean(np.maximum(z, 0) - z * wanted + np.log1p(np.exp(-np.abs(z)))))
